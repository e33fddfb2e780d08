"""Torch modules as networks: what is counted, what is told apart, and that a module is left as it was."""

import warnings
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.flop_counter import FlopCounterMode

import convcost
from convcost import ConvcostError, ConvcostWarning, from_torch, ops
from convcost.imports.tracing import PRIMES
from convcost.ops import REGISTRY
from convcost.views.header import header


def module(forward, **parts):
    """A module of parts, tensors or modules, whose forward is a function of it and its inputs."""

    class Made(nn.Module):
        def forward(self, *xs, **named):
            return forward(self, *xs, **named)

    made = Made()
    for name, part in parts.items():
        setattr(made, name, part)
    return made


class Bottleneck(nn.Module):
    """As users write one: the activation is shared, and works in place."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 4, 1, bias=False)
        self.conv2 = nn.Conv2d(4, channels, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.conv2(self.relu(self.conv1(x))) + x)


def counted(made, shape):
    """Multiply-adds as torch counts them, of one sample."""
    made = deepcopy(made).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        made(torch.zeros(1, *shape, device="meta"))
    return counter.get_total_flops() // 2


def test_layers_are_named_by_their_modules_and_counted_by_hand():
    net = from_torch(
        nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), Bottleneck(8), nn.Flatten(), nn.Linear(392, 10)), "3x16x16"
    )
    cost = net.price()
    rows = {row.name: (row.operator, row.shape, row.params, row.macs) for row in cost}
    assert rows == {
        "0": ("conv", (8, 7, 7), 3 * 8 * 9 + 8, 3 * 8 * 9 * 49),
        "1/conv1": ("conv", (4, 7, 7), 32, 32 * 49),
        "1/relu": ("relu", (4, 7, 7), 0, 0),
        "1/conv2": ("conv", (8, 7, 7), 296, 288 * 49),
        "1/add": ("add", (8, 7, 7), 0, 0),
        "1/relu_2": ("relu", (8, 7, 7), 0, 0),
        "2": ("flatten", (392,), 0, 0),
        "3": ("linear", (10,), 3930, 3920),
    }
    assert net.name == "Sequential"
    assert cost["1"].macs == (32 + 288) * 49


def test_it_runs_on_any_other_size():
    net = from_torch(nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1)), (3, 16, 16))
    assert net.price().total.macs == 216 * 14 * 14
    assert net.price("3x9x11", batch=2).total.macs == 2 * 216 * 7 * 9
    with pytest.raises(ConvcostError, match=r"its input is 3x16x16, or has other sizes, not 4x16x16"):
        net.price((4, 16, 16))


@pytest.mark.parametrize(
    "name", ["resnet18", "googlenet@torchvision", "mobilenet_v3_small", "shufflenet_v2_x1_0", "densenet121"]
)
def test_our_networks_come_back_through_torch(name):
    net = convcost.load(name)
    ours = net.price()
    back = from_torch(convcost.torch_model(net, device="meta"), net.input).price()
    assert (back.total.params, back.total.norm_stats) == (ours.total.params, ours.total.norm_stats)
    assert (back.total.macs, back.total.activations) == (ours.total.macs, ours.total.activations)
    assert back.total(as_="fvcore") == ours.total(as_="fvcore")
    convolutions = [(row.shape, row.params, row.macs) for row in ours if row.macs and not row.aux]
    assert [(row.shape, row.params, row.macs) for row in back if row.macs] == convolutions


# -- weights ---------------------------------------------------------------------------------------------------------


def test_a_layer_that_runs_twice_stores_its_weights_once():
    net = from_torch(module(lambda m, x: m.conv(m.conv(x)), conv=nn.Conv2d(8, 8, 3, padding=1)), (8, 6, 6))
    assert [(row.name, row.params, row.macs) for row in net.price()] == [
        ("conv", 584, 576 * 36),
        ("conv_2", 0, 576 * 36),
    ]
    assert net.tied == {"conv.weight": 2, "conv.bias": 2}


def test_a_norm_of_tokens_and_of_a_vector_is_one():
    net = from_torch(module(lambda m, x: m.norm(m.norm(x).mean(1)), norm=nn.LayerNorm(8)), (5, 8))
    assert [row.params for row in net.price()] == [16, 0, 0]


def test_tied_tensors_are_one_parameter():
    made = module(lambda m, x: m.b(m.a(x)), a=nn.Linear(8, 8), b=nn.Linear(8, 8, bias=False))
    made.b.weight = made.a.weight
    net = from_torch(made, (8,))
    assert [row.params for row in net.price()] == [72, 0]
    assert net.tied == {"a.weight": 2}


def test_what_no_output_depends_on_is_unused_and_not_counted():
    made = module(
        lambda m, x: (m.aux(x), m.conv(x))[1], conv=nn.Conv2d(3, 4, 1), aux=nn.Conv2d(3, 5, 1), spare=nn.Linear(2, 2)
    )
    net = from_torch(made, (3, 8, 8))
    assert [row.name for row in net.price()] == ["conv"]
    assert net.unused == {"aux.weight": 15, "aux.bias": 5, "spare.weight": 4, "spare.bias": 2}


def test_a_fixed_kernel_is_no_parameter():
    made = module(lambda m, x: functional.conv2d(x, m.kernel, groups=3))
    made.register_buffer("kernel", torch.ones(3, 1, 3, 3))
    (row,) = from_torch(made, (3, 8, 8)).price()
    assert (row.operator, row.params, row.macs) == ("dwconv", 0, 27 * 36)


@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated:FutureWarning")
@pytest.mark.parametrize("normed", [weight_norm, nn.utils.weight_norm], ids=["parametrized", "by a hook"])
def test_computed_weights_count_what_they_are_computed_from(normed):
    (row,) = from_torch(normed(nn.Conv2d(3, 8, 3)), (3, 8, 8)).price()
    assert (row.operator, row.params, row.macs) == ("conv", 216 + 8 + 8, 216 * 36)  # g, v and the bias
    (row,) = from_torch(normed(nn.Linear(5, 7)), (5,)).price()
    assert (row.operator, row.params, row.macs) == ("linear", 35 + 7 + 7, 35)
    (row,) = from_torch(normed(nn.ConvTranspose1d(4, 6, 2, stride=2)), (4, 8)).price()
    assert (row.operator, row.params, row.macs) == (
        "conv_transpose",
        48 + 4 + 6,
        48 * 8,
    )  # a norm of each input channel


@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated:FutureWarning")
@pytest.mark.parametrize("normed", [weight_norm, nn.utils.weight_norm], ids=["parametrized", "by a hook"])
@pytest.mark.parametrize("arguments", [{}, {"groups": 2}, {"groups": 4}, {"bias": False, "dilation": 2}], ids=str)
def test_weight_norm_of_a_convolution_is_the_layers_own(normed, arguments):
    made = nn.Sequential(normed(nn.Conv1d(4, 8, 3, padding="same", **arguments)), nn.ReLU())
    net = from_torch(made, (4, 9))
    with FlopCounterMode(display=False) as counter:
        made(torch.zeros(1, 4, 9))
    total = net.price().total
    assert (total.params, 2 * total.macs) == (sum(p.numel() for p in made.parameters()), counter.get_total_flops())
    assert "weight_norm=true" in net.to_spec()
    assert sum(node.op.weight_norm for node in net.build().nodes if isinstance(node.op, ops.Conv)) == 1
    assert total.params - net.folded().price().total.params == 8  # as deployed: the norms are in the weights


def test_weight_norm_along_another_axis_is_no_layers_own():
    (row,) = from_torch(weight_norm(nn.Conv2d(8, 8, 3), dim=1), (8, 8, 8)).price()
    assert (row.params, row.macs, row.op.weight_norm) == (576 + 8 + 8, 576 * 36, False)
    (row,) = from_torch(weight_norm(nn.Conv2d(3, 8, 3), dim=None), (3, 8, 8)).price()
    assert (row.params, row.macs, row.op.weight_norm) == (216 + 1 + 8, 216 * 36, False)


def test_work_on_parameters_alone_is_told_apart():
    made = module(lambda m, x: m.fc(x) + m.table @ m.table, fc=nn.Linear(8, 8), table=nn.Parameter(torch.zeros(8, 8)))
    net = from_torch(made, (8, 8))
    assert net.price().total.macs == 8 * 8 * 8
    assert net.per_forward == 8 * 8 * 8
    assert net.price().total.params == 72 + 64


def test_work_on_parameters_that_are_repeated_for_each_sample_is_each_samples():
    made = module(lambda m, x: m.fc(x) + m.fc(m.table.expand(x.shape[0], -1, -1)), fc=nn.Linear(8, 8))
    made.register_buffer("table", torch.zeros(1, 3, 8))
    net = from_torch(made, (3, 8))
    assert net.price().total.macs == 2 * 3 * 8 * 8
    assert net.per_forward == 0


# -- functions -------------------------------------------------------------------------------------------------------

CASES = {
    "tokens": (module(lambda m, x: m.fc(x), fc=nn.Linear(6, 5)), (7, 6)),
    "channels last": (module(lambda m, x: m.fc(x.permute(0, 2, 3, 1)).relu(), fc=nn.Linear(6, 5)), (6, 4, 4)),
    "attention": (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (5, 8)),
    "sequence first": (module(lambda m, x: m.a(*[x.transpose(0, 1)] * 3)[0], a=nn.MultiheadAttention(8, 2)), (5, 8)),
    "windows": (
        module(lambda m, x: m.c(x.unfold(2, 4, 4).transpose(1, 2).flatten(0, 1)), c=nn.Conv1d(3, 5, 3, padding=1)),
        (3, 12),
    ),
    "einsum": (
        module(lambda m, x: torch.einsum("bchw,dc->bdhw", x, m.w), w=nn.Parameter(torch.zeros(5, 3))),
        (3, 4, 4),
    ),
    "own product": (module(lambda m, x: x.flatten(2) @ x.flatten(2).transpose(1, 2)), (3, 4, 4)),
    "transposed": (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), (4, 5, 5)),
    "three axes": (nn.Conv3d(2, 4, (1, 3, 3), padding=(0, 1, 1)), (2, 3, 8, 8)),
    "gate": (module(lambda m, x: x * m.c(x.mean((2, 3), keepdim=True)).sigmoid(), c=nn.Conv2d(4, 4, 1)), (4, 5, 5)),
    "dynamic kernel": (
        module(
            lambda m, x: functional.conv2d(
                x.reshape(1, -1, 5, 5), m.fc(x.mean((2, 3))).reshape(-1, 1, 3, 3), groups=x.shape[0] * 4
            ),
            fc=nn.Linear(4, 36),
        ),
        (4, 5, 5),
    ),
}


@pytest.fixture
def seen():
    """What torch fuses where nobody looks its counter does not see either."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(fused)


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("case", CASES)
def test_products_are_counted_as_torch_counts_them(case):
    made, shape = CASES[case]
    cost = from_torch(made, shape).price()
    assert cost.total.macs == counted(made, shape)
    assert cost.total.params == sum(p.numel() for p in made.parameters())
    assert not cost.unknown


def test_work_in_place_on_a_view_reaches_what_it_is_a_view_of():
    def forward(m, x):
        y = m.conv(x)
        m.gate(y[:, :2]).relu_()
        part = y[:, :2]
        part.mul_(m.gate(part))
        return y

    net = from_torch(module(forward, conv=nn.Conv2d(3, 4, 1), gate=nn.Conv2d(2, 2, 1)), (3, 4, 4))
    assert net.price().total.params == 16 + 6
    assert [row.macs for row in net.price() if row.name.startswith("gate")] == [4 * 16]
    assert net.price().total.macs == (12 + 4) * 16


def test_what_is_written_into_a_new_tensor_is_followed():
    def forward(m, x):
        y = x.new_zeros(x.shape[0], 4, 6, 6)
        y[:, :, 1:-1, 1:-1] = m.conv(x)
        return y

    net = from_torch(module(forward, conv=nn.Conv2d(3, 4, 1)), (3, 4, 4))
    assert net.price().total.macs == 12 * 16
    assert net.price()[-1].shape == (4, 6, 6)


def test_several_inputs_and_outputs():
    made = module(lambda m, image, text: {"a": m.a(image), "b": [m.b(text)]}, a=nn.Conv2d(3, 4, 1), b=nn.Linear(7, 2))
    for given, second in (
        ([(3, 8, 8), (7,)], "input_2"),  # of a module whose arguments have no names
        ({"image": "3x8x8", "text": torch.zeros(2, 7)}, "text"),
    ):
        cost = from_torch(made, given).price()
        assert [row.name for row in cost] == [second, "a", "b"]
        assert cost.total.macs == 12 * 64 + 14
        assert len(cost.graph.outputs) == 2


def test_an_operator_without_a_rule_is_named_and_makes_totals_lower_bounds():
    net = from_torch(module(lambda m, x: torch.fft.fft(m.conv(x)).real, conv=nn.Conv1d(3, 4, 1)), (3, 8))
    with pytest.warns(ConvcostWarning, match=r"^layer fft_fft: torch.fft_fft has no rule, and what it does is not"):
        cost = net.price()
    assert net.unknown == {"torch.fft_fft": ["fft_fft"]}
    assert cost.unknown == {"torch.fft_fft": 1}
    assert "total, at least" in str(cost)
    assert cost[-1].shape == (4, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvcostWarning)
        for ask in (net.price, net.formula, net.layer_formulas):
            with pytest.raises(ConvcostWarning, match="has no rule"):
                ask()


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda m, x: m.fc(x) @ m.fc(x).T, "has its samples in several axes: no cost of one sample"),
        (lambda m, x: m.fc(x - x.mean(0)), "has its samples in no axis: no cost of one sample"),
        (lambda m, x: x if x.sum() > 0 else -x, "it reads a value (__bool__)"),
        (lambda m, x: m.fc(x) * x.max().item(), "it reads a value (item)"),
        (lambda m, x: m.fc(x[:, :3]), "layer fc: RuntimeError: "),
        (lambda m, x: functional.batch_norm(x, torch.ones(3), torch.ones(3)), "RuntimeError: "),
        (lambda m, x: x, "it returns its input as it is"),
        (lambda m, x: torch.zeros(3), "nothing that it returns depends on the input"),
        (lambda m, x: torch.vmap(m.fc)(x), "cannot be followed"),
    ],
)
def test_what_is_no_cost_of_one_sample_is_refused_in_one_line(forward, message):
    with pytest.raises(ConvcostError) as error:
        from_torch(module(forward, fc=nn.Linear(4, 4)), (4,))
    assert message in str(error.value)
    assert str(error.value).startswith("Made at 4: ")


def test_what_cannot_be_imported_says_why():
    with pytest.raises(ConvcostError, match=r"a torch\.nn\.Module is imported, got a function"):
        from_torch(functional.relu, (3, 8, 8))
    with pytest.raises(ConvcostError, match="fc has no sizes yet: run it once"):
        from_torch(module(lambda m, x: m.fc(x), fc=nn.LazyLinear(4)), (4,))
    with pytest.raises(ConvcostError, match="what is its input"):
        from_torch(nn.Linear(4, 4)).price()
    with pytest.warns(ConvcostWarning, match="its input is not said, 3x224x224 is assumed"):
        assert from_torch(nn.Conv2d(3, 4, 1)).price().input == (3, 224, 224)


# -- the module is left as it was ------------------------------------------------------------------------------------


class Restless(nn.Module):
    """Changes itself, and draws numbers."""

    def __init__(self, *, fails):
        super().__init__()
        self.fails, self.calls = fails, 0
        self.bn = nn.BatchNorm2d(3)
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x):
        self.calls += 1
        self.last = x
        self.seen += 1
        self.seen = self.seen * 2
        torch.rand(3)
        self.bn.extra = nn.Identity()
        if self.fails:
            raise RuntimeError("as it likes to")
        return self.bn(x)


@pytest.mark.parametrize("fails", [False, True])
def test_a_module_is_left_as_it_was(fails):
    made = Restless(fails=fails).train()
    made.bn.eval()
    hook = made.bn.register_forward_hook(lambda *_: None)
    before = {name: (id(t), t.clone()) for name, t in made.state_dict(keep_vars=True).items()}
    attributes, random = dict(made.__dict__), torch.get_rng_state()
    modes = [part.training for part in made.modules()]
    if fails:
        with pytest.raises(ConvcostError, match=r"^Restless at 3x4x4: RuntimeError: as it likes to$"):
            from_torch(made, (3, 4, 4))
    else:
        from_torch(made, (3, 4, 4))
    after = made.state_dict(keep_vars=True)
    assert {name: id(t) for name, t in after.items()} == {name: one for name, (one, _) in before.items()}
    assert all(torch.equal(after[name], value) for name, (_, value) in before.items())
    assert made.__dict__ == attributes
    assert torch.equal(torch.get_rng_state(), random)
    assert [part.training for part in made.modules()] == modes
    assert list(made.bn._forward_hooks) == [hook.id]
    assert not torch.nn.modules.module._global_forward_hooks


def test_nothing_is_computed_and_no_weight_is_copied():
    made = nn.Linear(1 << 14, 1 << 20, device="meta")  # 69 GB
    assert from_torch(made, (1 << 14,)).price().total.macs == 1 << 34


def test_sizes_that_the_first_batch_divides_are_told_from_the_batch():
    width = PRIMES[0]
    made = module(lambda m, x: m.fc(torch.cat([x, x[:, :1]], 1)), fc=nn.Linear(64, 8))
    assert from_torch(made, (63,)).price().total.macs == 64 * 8
    made = module(lambda m, x: torch.cat([x, x[:, :1]], 1).relu())
    assert from_torch(made, (width - 1,)).price()[-1].shape == (width,)


# -- axes: what is over one is our operator of that axis, and counts as tools count it --------------------------------


class Encoder(nn.Module):
    """A vision transformer in small, as users write one: a class token, learned positions, heads by reshape."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.positions = nn.Parameter(torch.zeros(1, 17, 8))
        self.norm = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8, bias=False)
        self.gamma = nn.Parameter(torch.ones(8))

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        b, n, c = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, n, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * 0.5) @ k.transpose(-2, -1)
        heads = (scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(b, n, c)
        return (x + self.gamma * self.out(heads))[:, 0]


def test_a_transformer_is_made_of_our_operators():
    made = Encoder()
    cost = from_torch(made, (3, 16, 16)).price()
    rows = {row.name: (row.operator, row.shape, row.params, row.macs) for row in cost}
    assert rows["token"] == ("parameter", (1, 8), 8, 0)
    assert rows["positions"] == ("parameter", (17, 8), 17 * 8, 0)
    assert rows["norm"] == ("layernorm", (17, 8), 16, 0)
    assert rows["qkv"] == ("linear", (17, 24), 8 * 24 + 24, 17 * 8 * 24)
    assert rows["matmul"] == ("matmul", (2, 17, 17), 0, 2 * 17 * 4 * 17)
    assert rows["softmax"] == ("softmax", (2, 17, 17), 0, 0)
    assert rows["matmul_2"] == ("matmul", (2, 17, 4), 0, 2 * 17 * 17 * 4)
    assert rows["layer_scale"] == ("layer_scale", (17, 8), 8, 0)
    assert cost[-1].shape == (8,)
    assert not [row.operator for row in cost if row.operator.startswith("torch.")]
    assert cost.total.macs == counted(made, (3, 16, 16))
    assert cost.total.params == sum(p.numel() for p in made.parameters())


@pytest.mark.parametrize(
    ("forward", "operators", "shape"),
    [
        (lambda m, x: x[:, 1:, ::2], ["slice", "slice"], (2, 3, 6)),
        (lambda m, x: x[:, :, -1], ["slice", "reshape"], (3, 6)),
        (lambda m, x: x[:, None], ["reshape"], (1, 3, 5, 6)),
        (lambda m, x: torch.stack([x, x], 2), ["reshape", "reshape", "concat"], (3, 2, 5, 6)),
        (lambda m, x: x.split([2, 3], 2)[1], ["slice"], (3, 3, 6)),
        (lambda m, x: x.chunk(2, -1)[0], ["split"], (3, 5, 3)),
        (lambda m, x: x.roll((1, 2), (2, 3)), ["roll"], (3, 5, 6)),
        (lambda m, x: x.movedim(1, -1), ["permute"], (5, 6, 3)),
        (lambda m, x: functional.glu(x, 3), ["glu"], (3, 5, 3)),
        (lambda m, x: x.flatten(2).transpose(0, 1).mean(2), ["flatten", "mean"], (3,)),
        (lambda m, x: functional.normalize(x, dim=1)[:, 0], None, (5, 6)),
    ],
)
def test_what_is_done_to_an_axis_is_our_operator_of_it(forward, operators, shape):
    cost = from_torch(module(forward), (3, 5, 6)).price()
    assert cost[-1].shape == shape
    assert not cost.unknown
    if operators:
        assert [row.operator for row in cost] == operators


def test_tools_count_an_imported_transformer_as_its_dialects_say():
    from fvcore.nn import FlopCountAnalysis
    from torchinfo import summary

    made = Encoder().eval()
    total = from_torch(made, (3, 16, 16)).price().total
    x = torch.zeros(1, 3, 16, 16)
    analysis = FlopCountAnalysis(made, x).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    assert total(as_="fvcore") == analysis.total()
    beside_layers = made.token.numel() + made.positions.numel() + made.gamma.numel()  # which it leaves out
    assert total(as_="torchinfo") - beside_layers == summary(made, input_data=x, verbose=0).total_mult_adds


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3)])
def test_a_recurrent_layer_multiplies_every_weight_at_every_position(kind, gates):
    """Two directions of 5 cells on 7 steps of 3 features, two on their 10: gates of 5, of these and 5 states each."""
    made = module(lambda m, x: m.r(x)[0], r=kind(3, 5, 2, bidirectional=True, batch_first=True))
    (row, *_) = from_torch(made, (7, 3)).price()
    assert row.shape == (7, 10)
    assert row.macs == 7 * 2 * gates * 5 * (3 + 5 + 10 + 5)
    assert row.params == 2 * gates * 5 * (3 + 5 + 10 + 5 + 2 * 2)
    assert row.op == REGISTRY[kind.__name__.lower()](5, 2, bidirectional=True)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_what_pads_by_the_map_itself_is_seen_through(mode):
    """Two 3x3 convolutions see 3 and 5 positions, whatever stands around the map; and the module's own size holds."""
    made = module(
        lambda m, x: m.b(m.a(x)), a=nn.Conv2d(3, 4, 3, padding=1, padding_mode=mode), b=nn.Conv2d(4, 4, 3, bias=False)
    )
    cost = from_torch(made, (3, 8, 10)).price()
    assert [row.shape for row in cost] == [(3, 10, 12), (4, 8, 10), (4, 6, 8)]
    assert [field.size for field in cost.receptive_fields.values()] == [(1, 1), (3, 3), (5, 5)]
    assert not cost.unknown


def test_what_a_module_prints_goes_to_standard_error(capsys):
    from_torch(module(lambda m, x: print("here") or x.relu()), (3, 4, 4)).price()  # noqa: T201  # as a user does
    assert capsys.readouterr() == ("", "here\n")


def test_unused_parameters_stand_above_every_view():
    made = module(lambda m, x: m.a(x), a=nn.Conv2d(3, 4, 1, bias=False), spare=nn.Linear(2, 3))
    network = from_torch(made, (3, 4, 4))
    assert network.unused_on((3, 8, 8)) == {"spare.weight": 6, "spare.bias": 3}
    above = dict(header([(network, network.price())]))
    assert above["unused"] == "9 parameters that no output depends on, not counted: spare.weight and 1 more"


def test_a_variance_is_counted():
    cost = from_torch(module(lambda m, x: x.var((2, 3), keepdim=True)), (3, 4, 4)).price()
    assert cost[-1].shape == (3, 1, 1)
    assert not cost.unknown
    assert cost.total.work.adds == 3 * (15 + 16 + 15)
