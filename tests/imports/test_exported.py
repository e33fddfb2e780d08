"""Files of torch.export: the same network as the module that was exported, and what is no such file in one line."""

import json
import zipfile

import pytest
import torch
from torch import nn

import convcost
from convcost import ConvcostError, from_torch


class Net(nn.Module):
    """Convolutions, norms and tokens, and a head that is not run."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU6())
        self.norm = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = nn.functional.interpolate(self.stem(x), scale_factor=2)
        x = self.norm(x.flatten(2).transpose(1, 2))
        q, k, v = self.qkv(x).chunk(3, -1)
        x = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.head(x.mean(1)), x[:, 1:]


@pytest.fixture(scope="module")
def module():
    return Net().eval()


@pytest.fixture(scope="module")
def fixed(module, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "fixed.pt2"
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3, 9, 9),)), path)
    return path


@pytest.fixture(scope="module")
def of_any_size(module, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "any.pt2"
    sizes = {0: torch.export.Dim("batch", min=2), 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    torch.export.save(torch.export.export(module, (torch.zeros(2, 3, 9, 9),), dynamic_shapes={"x": sizes}), path)
    return path


def rows(net, shape=None):
    return [(row.operator, row.shape, row.params, row.macs) for row in net.price(shape)]


def test_it_is_the_network_that_was_exported(module, fixed, of_any_size):
    """The stem by hand: 4x4 positions, 27 weights for each of 8 channels; the head: 8 features, 5 classes."""
    own = from_torch(module, (3, 9, 9))
    for path in (fixed, of_any_size):
        net = convcost.load(path)
        assert rows(net) == rows(own)
        assert [row.name for row in net.price()] == [row.name for row in own.price()]
        assert net.price()["stem/0"].macs == 27 * 8 * 16
        assert net.price()["head"].params == 45


def test_sizes_that_it_leaves_open_are_symbols(module, of_any_size):
    net = convcost.load(of_any_size)
    assert rows(net, (3, 17, 21)) == rows(from_torch(module, (3, 17, 21)))
    form = net.formula("macs", ["batch", "H", "W"])
    assert form.value.evaluate({"batch": 3, "H": 17, "W": 21}) == 3 * from_torch(module, (3, 17, 21)).price().total.macs


def test_sizes_that_it_has_are_kept_to(fixed):
    with pytest.raises(ConvcostError, match="it was exported for 3x9x9, and has no other sizes"):
        convcost.load(fixed).price("3x11x9")


def changed(path, out, change):
    """The same file with another description."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(out, "w") as made:
        for name in archive.namelist():
            data = archive.read(name)
            if name.endswith("model.json"):
                said = json.loads(data)
                change(said["graph_module"]["graph"])
                data = json.dumps(said)
            made.writestr(name, data)
    return out


def test_nothing_but_torchs_own_operators_is_run(fixed, tmp_path):
    def system(graph):
        graph["nodes"][0]["target"] = "os.system"

    path = changed(fixed, tmp_path / "evil.pt2", system)
    with pytest.raises(ConvcostError, match=r"os\.system is none of torch's own operators, and is not run"):
        convcost.load(path)


@pytest.mark.parametrize(
    "change", [lambda g: g.pop("nodes"), lambda g: g["tensor_values"].clear(), lambda g: g["nodes"].pop(0)]
)
def test_what_is_cut_out_is_missed_in_one_line(fixed, tmp_path, change):
    with pytest.raises(ConvcostError) as error:
        convcost.load(changed(fixed, tmp_path / "cut.pt2", change))
    assert "\n" not in str(error.value)


def test_what_is_no_such_file(fixed, tmp_path):
    (tmp_path / "text.pt2").write_text("no archive")
    (tmp_path / "half.pt2").write_bytes(fixed.read_bytes()[:1000])
    with zipfile.ZipFile(tmp_path / "other.pt2", "w") as archive:
        archive.writestr("a", "b")
    torch.export.save(torch.export.export(nn.ReLU(), (torch.zeros(4, 3),)), tmp_path / "four.pt2")
    for name, said in (
        ("text", "no file of torch.export"),
        ("half", "no file of torch.export"),
        ("other", "torch 2.8 or newer"),
        ("none", "there is no such file"),
        ("four", "exported for a batch of 4, part of its sizes"),
    ):
        with pytest.raises(ConvcostError, match=said):
            convcost.load(tmp_path / f"{name}.pt2")
