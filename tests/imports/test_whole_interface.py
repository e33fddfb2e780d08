"""Imported networks are networks: whatever is asked of a spec is asked of its module and its files, and is the same."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from sweeping import swept
from torch import nn

import convcost
from convcost import ConvcostError, ConvcostWarning, Machine, from_torch
from convcost.cli import run
from convcost.designs import engines
from convcost.designs.run import plan
from convcost.designs.run import run as run_sweep
from convcost.designs.space import parse_axis, space_of

pytest.importorskip("onnx")


class Small(nn.Module):
    """What the spec below says, by hand."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = torch.relu(self.bn(self.conv1(x)))
        return self.fc(torch.flatten(self.pool(torch.relu(self.conv2(x))), 1))


TEXT = """name: small
input: 3x32x32
layers:
  - conv1: conv(8, 3, stride=2, padding=1, bias=false)
  - bn
  - relu
  - conv2: conv(16, 3, padding=1)
  - relu_2: relu
  - pool: global_avgpool
  - flatten
  - fc: linear(10)
"""


class Two(nn.Module):
    """Two inputs, one of them called as a layer is."""

    def __init__(self):
        super().__init__()
        self.image, self.mask = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(1, 8, 3, padding=1)

    def forward(self, x, mask):
        return self.image(x) + self.mask(mask)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the network in each form, and as code that has a name."""
    made = tmp_path_factory.mktemp("small")
    module, two, free = Small().eval(), Two().eval(), torch.export.Dim.AUTO
    (made / "small.yaml").write_text(TEXT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, one, inputs, sizes in (
            ("small", module, (torch.zeros(1, 3, 32, 32),), {"x": [0, 2, 3]}),
            ("two", two, (torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)), {"x": [0, 2, 3], "m": [0, 2, 3]}),
        ):
            torch.onnx.export(
                one,
                inputs,
                str(made / f"{name}.onnx"),
                dynamo=False,
                input_names=[*sizes],
                dynamic_axes=sizes,
                training=torch.onnx.TrainingMode.PRESERVE if name == "small" else torch.onnx.TrainingMode.EVAL,
                do_constant_folding=False,
            )
            batch = tuple(torch.cat([x, x]) for x in inputs)
            dynamic = tuple(dict.fromkeys(axes, free) for axes in sizes.values())
            torch.export.save(torch.export.export(one, batch, dynamic_shapes=dynamic), made / f"{name}.pt2")
    return made


FORMS = ("torch", "onnx", "pt2")


def imported(form, folder, name="small"):
    if form == "torch":
        return from_torch(Small(), (3, 32, 32)) if name == "small" else from_torch(Two(), [(3, 8, 8), (1, 8, 8)])
    shape = "3x32x32" if name == "small" else "3x8x8,1x8x8"
    load = convcost.from_onnx if form == "onnx" else convcost.imports.from_exported
    return load(folder / f"{name}.{form}", shape)


@pytest.fixture(params=FORMS)
def pair(request, folder):
    """The network of the spec, and the imported one."""
    return convcost.load(folder / "small.yaml"), imported(request.param, folder)


def test_whatever_a_cost_is_asked_is_the_same(pair):
    ours, found = pair
    for shape, batch in ((None, 1), ("3x50x64", 3)):
        own, cost = ours.price(shape, batch), found.price(shape, batch)
        assert [row[1:] for row in own.rows] == [row[1:] for row in cost.rows]
        assert convcost.peak_memory(own) == convcost.peak_memory(cost)
        assert convcost.dialects(own) == convcost.dialects(cost)
        assert [m.alive for m in convcost.memory(own)] == [m.alive for m in convcost.memory(cost)]
        ours_on, found_on = (convcost.roofline(one, Machine(10**12, 10**11)).layers for one in (own, cost))
        assert [bound.seconds for bound in ours_on] == [bound.seconds for bound in found_on]
        assert [s[1:] for s in convcost.training(own)] == [s[1:] for s in convcost.training(cost)]
        assert [*own.receptive_fields.values()] == [*cost.receptive_fields.values()]


def test_forms_are_the_same(pair):
    ours, found = pair
    for quantity in ("macs", "params", "activations"):
        symbols = ["batch", "H", "W"]
        assert ours.formula(quantity, symbols).value == found.formula(quantity, symbols).value
        own, forms = (net.layer_formulas(quantity, symbols).values for net in pair)
        assert [*own.values()] == [*forms.values()]


def test_arrays_are_priced_as_each_of_their_sizes(pair):
    _, found = pair
    heights, widths, batches = np.array([17, 32, 99]), np.array([40, 32, 31]), np.array([1, 2, 3])
    cost = found.price((3, heights, widths), batches)
    each = [found.price((3, int(h), int(w)), int(n)).total for h, w, n in zip(heights, widths, batches, strict=True)]
    assert cost.total.macs.tolist() == [one.macs for one in each]
    assert cost.total.activations.tolist() == [one.activations for one in each]
    square = found.price((3, heights, heights)).total.macs.tolist()
    assert square == [found.price((3, int(h), int(h))).total.macs for h in heights]


AXES = ["H=16:64:16", "W=31:33", "batch=1,4"]


def test_a_sweep_is_that_of_the_spec(pair, tmp_path):
    ours, found = pair
    rows = []
    for number, network in enumerate((ours, found)):
        out = tmp_path / f"{number}.csv"
        assert convcost.sweep(network, out, over=AXES, where=["macs < 10M"]).designs == 24
        rows.append(out.read_text())
    assert rows[0] == rows[1]
    assert len(rows[0].splitlines()) > 10
    sizes = {"macs": 200_000}
    said = [[s.values for s in convcost.solve(network, max=sizes, over=["H=8:64:8", "batch=1:4"])] for network in pair]
    assert said[0] == said[1] != []


def test_comparing_drawing_and_writing(pair, tmp_path):
    ours, found = pair
    assert convcost.compare(ours, found).ratio("macs") == (1, 1)
    text = found.to_spec()
    (tmp_path / "again.yaml").write_text(text)
    again = convcost.load(tmp_path / "again.yaml")
    assert [row[2:] for row in again.price().rows] == [row[2:] for row in ours.price().rows]


@pytest.mark.parametrize("form", FORMS)
def test_every_command_takes_it(form, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    code = Path(__file__).read_text(encoding="utf-8").partition("class Small")[2].partition("\nTEXT =")[0]
    (folder / "small_code.py").write_text(f"import torch\nfrom torch import nn\n\nclass Small{code}")
    monkeypatch.syspath_prepend(str(folder))
    name = "torch:small_code:Small" if form == "torch" else f"small.{form}"
    given = ["--input", "3x48x40"]
    outputs = {}
    for words in (
        ["layers", "--depth", "1"],
        ["memory"],
        ["training"],
        ["roofline", "--machine", "t4"],
        ["explain"],
        ["dialects"],
        ["cite"],
        ["formula"],
        ["compare", "small.yaml"],
        ["verify", "--against", "small.yaml"],
        ["draw", "--format", "mermaid"],
        ["report", "--out", str(tmp_path / "report.html")],
        ["export", "--to", "torch"],
        ["diff", "small.yaml"],
        ["sweep", "--over", "H=32:64:32", "--out", str(tmp_path / "designs.csv")],
        ["solve", "--over", "H=32:64:32", "--max", "macs=1M"],
    ):
        status = run([words[0], name, *words[1:], *given])
        said = capsys.readouterr()
        assert status == 0, (words, said.err)
        outputs[words[0]] = said.out
    with (tmp_path / "designs.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [int(row["macs"]) for row in rows] == [
        convcost.load("small.yaml").price((3, n, n)).total.macs for n in (32, 64)
    ]
    assert "differ: in none of 7 layers" in outputs["diff"]
    if form != "torch":
        assert run(["show", f"{name} input=3x48x40"]) == 0
        assert "conv(16, 3, padding=1)" in capsys.readouterr().out


# -- several inputs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_several_inputs_have_names_and_an_order(form, folder):
    found = imported(form, folder, "two")
    first, second = found.input.of
    assert (first, second) == {"torch": ("x", "mask_input"), "onnx": ("x", "m"), "pt2": ("x", "mask_input")}[form]
    want = (27 + 9) * 8 * 30 * 20
    for given in ({first: (3, 30, 20), second: (1, 30, 20)}, [(3, 30, 20), (1, 30, 20)], "3x30x20,1x30x20"):
        assert found.price(given).total.macs == want
    form_of = found.formula("macs", ["batch", "H", "W", f"{second}_H", f"{second}_W"])
    assert form_of(**{"batch": 2, "H": 30, "W": 20, f"{second}_H": 30, f"{second}_W": 20}) == 2 * want
    with pytest.raises(ConvcostError):
        form_of(**{"batch": 2, "H": 30, "W": 20, f"{second}_H": 31, f"{second}_W": 20})
    with pytest.raises(ConvcostError, match=f"has no input 'z'; it has {first}, {second}"):
        found.price({"z": (1, 2, 3)})
    with pytest.raises(ConvcostError, match=f"has 2 inputs, {first}, {second}, not 3"):
        found.price([(3, 8, 8)] * 3)
    again = found.to_spec()
    assert f"{first}: 3x8x8" in again


def test_inputs_given_twice_are_two_inputs(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    name = "two.onnx"
    assert run(["layers", name, "--input", "3x16x16", "--input", "1x16x16", "--format", "csv"]) == 0
    in_order = capsys.readouterr().out
    assert run(["layers", name, "--input", "m=1x16x16", "--input", "x=3x16x16", "--format", "csv"]) == 0
    assert capsys.readouterr().out == in_order
    for words, said in (
        (["--input", "3x16x16", "--input", "m=1x16x16"], "all in order, or all by name"),
        (["--input", "3x16x16"] * 3, "has 2 inputs, x, m, not 3"),
        (["--input", "x=3x16x16", "--input", "x=3x16x16"], "input x: given twice"),
    ):
        assert run(["layers", name, *words]) == 2
        assert said in capsys.readouterr().err
    assert run(["layers", "small.yaml", "--input", "3x16x16", "--input", "3x16x16"]) == 2
    assert "small has 1 input, input, not 2" in capsys.readouterr().err


def test_a_module_that_takes_several_says_which():
    net = convcost.imports.modules.imported(Two(), None, "two")
    with pytest.raises(ConvcostError, match="two: what is x, of its inputs x, mask_input"):
        net.price()
    assert net.price([(3, 8, 8), (1, 8, 8)]).total.macs == (27 + 9) * 8 * 64


# -- sweeps in other processes ---------------------------------------------------------------------------------------


def test_workers_import_it_again(folder, tmp_path):
    found = imported("onnx", folder)
    space = space_of([parse_axis("H=32:64:1"), parse_axis("W=32:40:1")])
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    run_sweep(plan(found, space, out=one), one)
    run_sweep(plan(found, space, out=two), two, engines.processes(2))
    assert one.read_bytes() == two.read_bytes()


def test_a_module_of_this_process_stays_in_it(tmp_path):
    found, space, out = from_torch(Small(), (3, 32, 32)), space_of([parse_axis("H=32:64:1")]), tmp_path / "one.csv"
    with pytest.raises(ConvcostError, match="a module of this process is not in another one"):
        run_sweep(plan(found, space, out=out), out, engines.processes(2))


class BySize(nn.Module):
    """What no form can follow: sizes decide what runs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return self.conv(x if x.shape[2] % 2 else x[..., ::2, :])


def test_what_has_no_form_is_run_at_every_size(tmp_path):
    found = from_torch(BySize(), (3, 8, 8))
    with pytest.warns(ConvcostWarning, match="no closed form in H: it is run once on every size"):
        rows, _ = swept(found, ["H=7:10"], tmp_path)
    assert [int(row["macs"]) for row in rows] == [12 * 7 * 7, 12 * 4 * 8, 12 * 9 * 9, 12 * 5 * 10]


@pytest.mark.usefixtures("folder")
def test_another_network_of_the_name_is_another_sweep(tmp_path):
    out = tmp_path / "designs.csv"
    convcost.sweep(from_torch(Small(), (3, 32, 32), name="mine"), out, over=["H=32:40"])
    assert convcost.sweep(from_torch(Small(), (3, 32, 32), name="mine"), out, over=["H=32:40"]).designs == 9
    with pytest.raises(ConvcostError, match="another sweep"):
        convcost.sweep(from_torch(BySize(), (3, 32, 32), name="mine"), out, over=["H=32:40"])
