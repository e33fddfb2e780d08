"""Torch modules wherever a command takes a network, by a prefix that says that code runs."""

import json

import pytest

from convcost.cli import run

SOURCE = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, width=8):
        super().__init__(nn.Conv2d(3, width, 3), nn.Flatten(), nn.LazyLinear(10) if width == 9 else nn.Identity())

class Bad(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Net()

    def forward(self, x):
        raise KeyError("no such thing")

sequence = nn.Conv1d(1, 4, 3)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "of_mine.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["layers", "torch:of_mine:Net", "--set", "width=16", "--input", "3x8x8"], "total"),
        (["layers", "torch:of_mine:Bad#inner.0", "--input", "3x8x8"], "conv"),
        (["compare", "torch:of_mine:Net", "resnet18", "--input", "3x128x128"], "torch:of_mine:Net"),
        (["dialects", "torch:of_mine:sequence", "--input", "1x100"], "ptflops"),
        (["memory", "torch:of_mine:Net", "--input", "3x8x8"], "peak"),
        (["training", "torch:of_mine:Net", "--input", "3x8x8"], "forward"),
        (
            ["roofline", "torch:of_mine:Net", "--input", "3x8x8", "--machine", "flops=1T,bandwidth=1G"],
            "moved once",
        ),
        (["check", "torch:of_mine:Net", "--set", "width=16", "--input", "3x8x8", "--max", "params=448"], "valid, 448"),
    ],
)
def test_a_module_is_a_network(capsys, arguments, printed):
    assert run(arguments) == 0
    out, err = capsys.readouterr()
    assert printed in out
    assert not err


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("torch:of_mine:Nett", "torch:of_mine:Nett: there is no 'Nett' in it; did you mean Net?"),
        ("torch:of_mime:Net", "No module named 'of_mime'; did you mean of_mine?"),
        ("torch:of_mine:Net#1.2", "torch:of_mine:Net#1.2: it has no part '1.2'"),
        ("torch:of_mine", "torch:of_mine: write it as package.module:callable"),
        ("torch:of_mine:SOURCE", "there is no 'SOURCE' in it"),
        ("torch:os:getcwd", "a torch.nn.Module is needed, and this is a str"),
        ("torch:of_mine:Bad", "torch:of_mine:Bad at 3x8x8: KeyError: 'no such thing'"),
        ("torch:of_mine:Bad#inner", "torch:of_mine:Bad#inner at 4x8x8: layer 0: RuntimeError: "),
    ],
)
def test_what_does_not_run_ends_in_one_line(capsys, name, error):
    assert run(["layers", name, "--input", "4x8x8" if name.endswith("inner") else "3x8x8"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert error in err
    assert err.count("\n") == 1


def test_an_input_that_is_not_said_is_assumed_aloud_or_asked_for(capsys):
    assert run(["layers", "torch:of_mine:Net"]) == 0
    assert capsys.readouterr().err == "warning: torch:of_mine:Net: its input is not said, 3x224x224 is assumed\n"
    assert run(["layers", "torch:of_mine:sequence"]) == 2
    assert "torch:of_mine:sequence: what is its input?" in capsys.readouterr().err
    assert run(["show", "torch:of_mine:Net#0"]) == 0
    assert "conv(8, 3)" in capsys.readouterr().out


def test_no_file_and_no_completion_runs_code(capsys, tmp_path):
    (tmp_path / "of_mine.py").write_text("open('it_ran', 'w')")
    (tmp_path / "table.csv").write_text("Model,Params (M)\ntorch:of_mine:Net,1.0\n")
    run(["audit", "table.csv"])
    assert run(["site", "out", "torch:of_mine:Net"]) == 2
    assert "code runs where it is named on the command line" in capsys.readouterr().err
    assert not (tmp_path / "it_ran").exists()


def test_a_limit_on_a_module(capsys):
    """3 x 16 weights of 3x3 and 16 biases, on 6 x 6 positions; as JSON, what is wrong stands beside a file's."""
    arguments = ["check", "torch:of_mine:Net", "--set", "width=16", "--input", "3x8x8", "--max", "macs=15.5K"]
    assert run(arguments) == 1
    assert capsys.readouterr().out == "torch:of_mine:Net: macs 15,552 > 15,500 at 3x8x8\n"
    assert run([*arguments, "torch:of_mine:Bad", "--format", "json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["networks"] == [{"network": "torch:of_mine:Net", "input": "3x8x8", "params": 448, "macs": 15552}]
    assert [(one["severity"], one["file"]) for one in found["problems"]] == [
        ("limit", "torch:of_mine:Net"),
        ("error", "torch:of_mine:Bad"),
    ]


def test_what_a_spec_leaves_out_is_told(capsys, tmp_path):
    (tmp_path / "of_two.py").write_text(
        "from torch import nn\n\nclass Two(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.used, self.spare = nn.Conv2d(3, 4, 1), nn.Linear(3, 2)\n\n"
        "    def forward(self, x):\n        return self.used(x)\n"
    )
    assert run(["import", "torch:of_two:Two", "--input", "3x8x8"]) == 0
    printed = capsys.readouterr()
    assert "used: conv(4, 1)" in printed.out
    assert "8 parameters that no output depends on are not in the spec: spare.weight and 1 more" in printed.err
    (tmp_path / "two.yaml").write_text(printed.out)
    assert run(["verify", "two.yaml", "--module", "of_two:Two", "--format", "markdown"]) == 0
    told = capsys.readouterr().out
    assert "agrees" in told
    assert "8 params of the module are unused, and no part of this: spare.weight, spare.bias" in told
