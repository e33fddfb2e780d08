"""Imported networks written back as specs, which are read again and are the same network."""

import pytest
import torch
from torch import nn

import convcost
from convcost import ConvcostError, from_torch
from convcost.cli import run
from convcost.imports.writing import spec_of
from convcost.network import shipped


class Block(nn.Module):
    """A residual block whose names are words of the language, and of YAML."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.relu = nn.ReLU()
        self.no = nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.LeakyReLU(0.2))

    def forward(self, x):
        return self.relu(self.conv(x) + self.no(x))


SPEC = """name: Net
source: "imported from torch"
input: 3x8x8

blocks:
  block(c):
    - conv_1: conv(c, 3, padding=1, bias=false)
    - "no": input >> conv(c, 1) >> leaky_relu(negative_slope=1/5)
    - add(conv_1, no) >> relu

layers:
  - block(4)
  - block(5)
  - flatten
  - linear(10)
"""


def rows(cost):
    return [(row.operator, row.shape, row.counts, row.work) for row in cost]


def test_scopes_are_scopes_and_what_is_taken_is_named():
    net = from_torch(nn.Sequential(Block(3, 4), Block(4, 5), nn.Flatten(), nn.Linear(320, 10)), (3, 8, 8), name="Net")
    assert net.to_spec() == SPEC


def test_a_spec_is_the_network_again(tmp_path, capsys):
    net = from_torch(nn.Sequential(Block(3, 4), Block(4, 5), nn.Flatten(), nn.Linear(320, 10)), (3, 8, 8))
    path = tmp_path / "mine.yaml"
    path.write_text(net.to_spec())
    assert rows(convcost.load(path).price()) == rows(net.price())
    assert (
        run(
            [
                "import",
                "torch:torch.nn:Conv2d",
                "--set",
                "in_channels=3",
                "--set",
                "out_channels=4",
                "--set",
                "kernel_size=3",
                "--input",
                "3x8x8",
                "-o",
                str(tmp_path / "conv.yaml"),
            ]
        )
        == 0
    )
    assert capsys.readouterr().out.startswith("wrote ")
    assert convcost.load(tmp_path / "conv.yaml").price().total.macs == 108 * 36
    assert run(["import", "resnet18"]) == 2
    assert "it is a spec already" in capsys.readouterr().err


NAMES = ("googlenet@paper", "resnet50@v1.5", "densenet121", "mobilenet_v3_small", "shufflenet_v2_x1_0", "nasnet_mobile")


@pytest.mark.parametrize("name", NAMES)
def test_our_own_graphs_are_written_and_read(name):
    graph = convcost.load(name).build()
    if any(node.aux for node in graph.nodes):
        pytest.skip("auxiliary heads are not written")
    assert len(spec_of(graph, "ours").splitlines()) < 2 * len(graph.nodes)


class Bottleneck(nn.Module):
    """As torchvision has it."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if inputs != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


def resnet50():
    parts, inputs = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)], 64
    for stage, (width, count) in enumerate(zip((64, 128, 256, 512), (3, 4, 6, 3), strict=True)):
        first = Bottleneck(inputs, width, 2 if stage else 1)
        parts.append(nn.Sequential(first, *(Bottleneck(4 * width, width, 1) for _ in range(count - 1))))
        inputs = 4 * width
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def test_resnet50_is_its_blocks_with_arguments_and_repeats(tmp_path):
    """Its published numbers: 25,557,032 parameters, 4,089,184,256 multiply-adds."""
    with torch.device("meta"):
        net = from_torch(resnet50(), (3, 224, 224))
    text = net.to_spec()
    assert len(text.splitlines()) <= 45
    assert "  bottleneck(c, stride):\n" in text
    assert "    - {repeat: n, layers: bottleneck_2(c)}\n" in text
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    again = convcost.load(path)
    assert (again.price().total.params, again.price().total.macs) == (25_557_032, 4_089_184_256)
    assert rows(again.price()) == rows(net.price())
    assert again.price("3x129x97").total.macs == net.price("3x129x97").total.macs


def test_what_no_spec_can_say_is_refused_with_the_layer():
    class Fft(nn.Module):
        def forward(self, x):
            return torch.fft.fft(x).abs()

    with pytest.raises(ConvcostError, match=r"Fft: no spec: layer fft_fft: no spec can say torch.fft_fft"):
        from_torch(Fft(), (3, 8)).to_spec()


class DenseLayer(nn.Module):
    """As torchvision has it: it takes all that was made before it, and joins that itself."""

    def __init__(self, inputs, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False)

    def forward(self, before):
        y = self.conv1(torch.relu(self.norm1(torch.cat(before, 1))))
        return self.conv2(torch.relu(self.norm2(y)))


class DenseBlock(nn.Module):
    def __init__(self, inputs, growth, count):
        super().__init__()
        self.layers = nn.ModuleList(DenseLayer(inputs + i * growth, growth) for i in range(count))

    def forward(self, x):
        made = [x]
        for layer in self.layers:
            made.append(layer(made))
        return torch.cat(made, 1)


def transition(inputs):
    return nn.Sequential(
        nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, inputs // 2, 1, bias=False), nn.AvgPool2d(2)
    )


DENSE = """defaults:
  conv: {bias: false}

blocks:
  dense_block(n):
    - layers:
        repeat: n
        collect: y
        layers:
          - concat(input, y)
          - y: bn >> relu >> conv(32, 1) >> bn >> relu >> conv(8, 3, padding=1)
    - concat(input, y)

layers:
  - conv(16, 3, padding=1)
  - dense_block(3)
  - bn >> relu >> conv(20, 1) >> avgpool(2, stride=2)
  - dense_block(5)
  - bn >> relu >> conv(30, 1) >> avgpool(2, stride=2)
  - dense_block(2)
  - flatten
  - linear(10)
"""


def same_again(net, tmp_path, *inputs):
    """The text of a network's spec, which is the same layers of the same tensors, at other inputs, too."""
    text = net.to_spec()
    path = tmp_path / "again.yaml"
    path.write_text(text)
    again = convcost.load(path)
    assert rows(again.price()) == rows(net.price())
    assert [node.inputs for node in again.build().nodes] == [node.inputs for node in net.build().nodes]
    assert sorted(again.build().outputs) == sorted(net.build().outputs)
    for shape in inputs:
        assert rows(again.price(shape)) == rows(net.price(shape))
    return text


def test_densenet_is_repeats_that_carry_what_was_made(tmp_path):
    """A block of n layers on c channels: joins of c + 8i, and a layer of (c + 8i)*32 + 32*8*9 weights, i < n."""
    parts, channels = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)], 16
    for count in (3, 5, 2):
        parts += [DenseBlock(channels, 8, count), transition(channels + 8 * count)]
        channels = (channels + 8 * count) // 2
    net = from_torch(nn.Sequential(*parts[:-1], nn.Flatten(), nn.Linear(46 * 16, 10)), (3, 16, 16), name="Dense")
    text = same_again(net, tmp_path)
    assert text.partition("\n\n")[2] == DENSE
    weights = sum((c + 8 * i) * 32 + 2304 for c, n in ((16, 3), (20, 5), (30, 2)) for i in range(n))
    assert sum(row.counts.weights for row in net.price()) == weights + 432 + 40 * 20 + 60 * 30 + 7360


def test_a_dense_block_of_one_layer_and_one_whose_layers_are_used_apart(tmp_path):
    class Apart(DenseBlock):
        def forward(self, x):
            made = [x]
            for layer in self.layers:
                made.append(layer(made))
            return torch.cat(made[::2], 1)

    assert "collect" not in same_again(from_torch(DenseBlock(4, 8, 1), (4, 8, 8)), tmp_path, "4x9x5")
    assert "collect" not in same_again(from_torch(Apart(4, 8, 4), (4, 8, 8)), tmp_path, "4x9x5")


class Exchange(nn.Module):
    """Resolutions side by side, as HRNet has them: each is convolved, and then has what all of them make."""

    def __init__(self, widths):
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(unit(c), unit(c)) for c in widths)
        self.fuse = nn.ModuleList(
            nn.ModuleList(fuse(widths, j, i) for j in range(len(widths))) for i in range(len(widths))
        )

    def forward(self, xs):
        xs = [branch(x) for branch, x in zip(self.branches, xs, strict=True)]
        return [torch.relu(sum(f(x) for f, x in zip(row, xs, strict=True))) for row in self.fuse]


class unit(nn.Module):  # noqa: N801  # a block may be called as a function
    def __init__(self, c):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(c, c, 3, 1, 1), nn.Conv2d(c, c, 3, 1, 1)

    def forward(self, x):
        return torch.relu(x + self.conv2(torch.relu(self.conv1(x))))


def fuse(widths, j, i):
    if j == i:
        return nn.Identity()
    if j > i:
        return nn.Sequential(nn.Conv2d(widths[j], widths[i], 1), nn.Upsample(scale_factor=2 ** (j - i)))
    halved = [nn.Conv2d(widths[j], widths[j], 3, 2, 1) for _ in range(i - j - 1)]
    return nn.Sequential(*halved, nn.Conv2d(widths[j], widths[i], 3, 2, 1))


class HighResolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 1, 1)
        self.low, self.lower = nn.Conv2d(8, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)
        self.stage2 = nn.ModuleList(Exchange((8, 16)) for _ in range(2))
        self.stage3 = nn.ModuleList(Exchange((8, 16, 32)) for _ in range(3))

    def forward(self, x):
        x = self.stem(x)
        xs = [x, self.low(x)]
        for part in self.stage2:
            xs = part(xs)
        xs = [*xs, self.lower(xs[1])]
        for part in self.stage3:
            xs = part(xs)
        return xs


def test_modules_of_several_tensors_repeat(tmp_path):
    net = from_torch(HighResolution(), (3, 16, 16))
    text = same_again(net, tmp_path, "3x32x24")
    assert '  - {results: ["stage2[0]", "stage2[1]", lower]}\n  - stage3: {repeat: 3, layers: exchange' in text
    assert text.count("conv(c, 3, padding=1)") == 2  # the unit is written once
    assert len(text.splitlines()) < 60 < len(net.price()) // 2


class Cell(nn.Module):
    """As NASNet's: it takes what the two cells before it made."""

    def __init__(self, c, stride):
        super().__init__()
        self.left = nn.Sequential(nn.ReLU(), nn.Conv2d(4 * c, c, 1))
        self.right = nn.Sequential(nn.ReLU(), nn.Conv2d(4 * c, c, 1))
        self.apart = nn.ModuleList(nn.Conv2d(c, c, k, stride, k // 2, groups=c) for k in (3, 5, 3))
        self.pool = nn.AvgPool2d(3, stride, 1)

    def forward(self, x, before):
        x, before = self.right(x), self.left(before)
        x1 = self.apart[0](x) + self.apart[1](before)
        x2 = self.pool(x) + self.apart[2](before)
        return torch.cat([x1, x2, self.pool(before), self.pool(x)], 1)


class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.stem2 = nn.Conv2d(3, 16, 3, 1, 1), nn.Conv2d(16, 16, 3, 1, 1)
        self.normal = nn.ModuleList(Cell(4, 1) for _ in range(4))
        self.reduction = Cell(4, 2)
        self.head = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        before = self.stem(x)
        x = self.stem2(before)
        for cell in self.normal:
            before, x = x, cell(x, before)
        return self.head(self.reduction(x, before))


def test_cells_that_take_the_last_two_repeat(tmp_path):
    text = same_again(from_torch(Cells(), (3, 16, 16)), tmp_path, "3x17x9")
    assert '  - normal: {repeat: 4, previous: stem, layers: "cell(1, previous)"}\n' in text
    assert "  - reduction: cell(2, previous)\n" in text
    assert len(text.splitlines()) < 30


class Skipping(nn.Module):
    """As VoVNet's: convolutions in a row, and then all of them joined."""

    def __init__(self, inputs, c, count):
        super().__init__()
        parts = (nn.Sequential(nn.Conv2d(c if i else inputs, c, 3, 1, 1), nn.ReLU()) for i in range(count))
        self.layers, self.last = nn.ModuleList(parts), nn.Conv2d(inputs + count * c, c, 1)

    def forward(self, x):
        made = [x]
        for layer in self.layers:
            made.append(layer(made[-1]))
        return self.last(torch.cat(made, 1))


def test_what_steps_make_is_joined_after_them(tmp_path):
    text = same_again(from_torch(nn.Sequential(Skipping(3, 8, 4), Skipping(8, 8, 4)), (3, 8, 8)), tmp_path, "3x9x5")
    assert '{repeat: 4, collect: y, layers: [y: "conv(8, 3, padding=1) >> relu"]}' in text
    assert "concat(input, y)" in text


class Levels(nn.Module):
    """Several outputs, from a part that makes several."""

    def __init__(self):
        super().__init__()
        self.body, self.heads = Body(), nn.ModuleList(nn.Conv2d(c, 5, 1) for c in (8, 16))

    def forward(self, x):
        return [head(level) for head, level in zip(self.heads, self.body(x), strict=True)]


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1)

    def forward(self, x):
        x = torch.relu(self.first(x))
        return x, torch.relu(self.second(x))


def test_several_outputs_are_written(tmp_path):
    text = same_again(from_torch(Levels(), (3, 16, 16)), tmp_path, "3x19x7")
    assert "{outputs: [" in text


class Shuffled(nn.Module):
    """As ShuffleNet's: the map is split into two groups of channels by its own sizes."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2, 1)

    def forward(self, x):
        x = self.conv(x)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h * w)
        return x.reshape(n, c * h * w // 4, 4)


def test_sizes_of_what_a_layer_takes_are_said_to_be_these(tmp_path):
    net = from_torch(Shuffled(), (3, 16, 16))
    with pytest.warns(convcost.ConvcostWarning, match="so are arguments of layer reshape_3") as told:
        text = same_again(net, tmp_path)
    assert len(told) == 1
    assert "reshape((2, 4, in_shape[1], in_shape[2]))" in text
    assert "reshape((8, in_shape[2]*in_shape[3]))" in text
    sized = from_torch(nn.Sequential(Shuffled().conv, nn.Flatten(2)), (3, 16, 16))
    same_again(sized, tmp_path, "3x9x30")


@pytest.mark.parametrize("name", ["hrnet_w18_small_v1", "dla60", "densenet_bc100_k12", "efficientnet_b0"])
def test_our_own_graphs_nest(name):
    graph = convcost.load(name).build()
    assert len(spec_of(graph, "ours").splitlines()) < 200 < len(graph.nodes)


@pytest.mark.slow
def test_every_shipped_graph_is_written_and_read():
    for network, cost in shipped(variants=True):
        if cost.auxiliary is None:
            spec_of(network.build(), "ours")
