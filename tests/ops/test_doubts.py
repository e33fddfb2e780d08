"""What is rarely meant is warned of once, where it stands; of what ships, only what was published so."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import convcost
from convcost import ops
from convcost.auditing.reconcile import claimed, reconcile
from convcost.cli import run
from convcost.errors import ConvcostError, ConvcostWarning
from convcost.network import every_variant
from convcost.ops.doubts import doubts
from convcost.spec.catalog import shipped, shipped_files

SWAPPED = "; conv takes out_channels, kernel_size: did you mean conv(64, 3)?"


@pytest.mark.parametrize(
    ("op", "x", "said"),
    [
        (ops.Conv(8, 5, padding="same"), (3, 5, 5), []),
        (ops.Conv(8, 5, padding="same"), (3, 5, 4), ["conv: its kernel of 5 is larger than its map of 5x4"]),
        (ops.MaxPool(3, 2, padding=1), (3, 2, 2), ["maxpool: its kernel of 3 is larger than its map of 2"]),
        (
            ops.DepthwiseConv(3, padding=2, dilation=2),
            (3, 4, 4),
            ["dwconv: its kernel of 3, dilated to 5, is larger than its map of 4"],
        ),
        (ops.Conv(3, 64, 3, "same"), (3, 32, 32), [f"conv: its kernel of 64 is larger than its map of 32{SWAPPED}"]),
        (ops.Conv(3, 64, 3, "same"), (3, 224, 224), [f"conv: its kernel of 64 makes 3 channels of 3{SWAPPED}"]),
        (
            ops.Conv(3, 32, 2, "same"),
            (3, 224, 224),
            [f"conv: its kernel of 32 makes 3 channels of 3{SWAPPED.replace('64, 3', '32, 2')}"],
        ),
        (ops.Conv(3, 31, 2, "same"), (3, 224, 224), []),
        (ops.Conv(64, 64, 2, "same"), (64, 224, 224), []),
        (ops.Conv(64, 40, 2, "same"), (64, 224, 224), []),
        (ops.MaxPool(2, 3), (3, 9, 9), []),
        (ops.Conv(3, 31), (3, 224, 224), []),
        (ops.Conv(3, 7, 2), (3, 224, 224), []),
        (ops.Conv(3, 64, 1, "same"), (3, 224, 224), []),
        (ops.Conv(8, 2, 3), (3, 9, 9), ["conv: its stride of 3 is larger than its kernel of 2: it leaves inputs out"]),
        (
            ops.Conv(8, (1, 3), 2),
            (3, 9, 9),
            ["conv: its stride of 2 is larger than its kernel of 1x3: it leaves inputs out"],
        ),
        (ops.Conv(8, 1, 2), (3, 9, 9), []),
        (ops.Conv(8, 4, 4), (3, 8, 8), []),
        (ops.MaxPool(1, 2), (3, 8, 8), []),
        (ops.Conv(8, 3, padding=1), (3, 9, 9), []),
        (ops.Conv(8, 4, padding=2), (3, 9, 9), ["conv: its padding of 2 is half of its kernel of 4, or more"]),
        (ops.Conv(8, 1, padding=1), (3, 9, 9), ["conv: its padding of 1 is half of its kernel of 1, or more"]),
        (ops.Conv(8, 1, padding=((1, 1), (1, 1))), (3, 9, 9), []),
        (ops.Conv(8, 3, padding=(0, 2)), (3, 9, 9), ["conv: its padding of 0x2 is half of its kernel of 3, or more"]),
        (ops.ReLU(), (3, 1, 1), []),
        (ops.Conv(8, convcost.symbol("k")), (3, 9, 9), []),
    ],
)
def test_what_is_doubtful_about_a_window(op, x, said):
    assert list(doubts(op, x)) == said


@pytest.fixture
def odd(tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text(
        "name: odd\nsource: test\ninput: 3x32x32\nblocks: {unit: 'conv(8, 2, stride=3)'}\n"
        "layers:\n  - a: conv(3, 64, 3, padding=same)\n  - b: unit >> unit\n"
    )
    return path


def said_of(odd):
    return [
        f"{odd}:6:8: layer a: conv: its kernel of 64 is larger than its map of 32{SWAPPED}",
        f"{odd}:4:17: layer b/unit/conv: conv: its stride of 3 is larger than its kernel of 2: it leaves inputs out",
    ]


def test_a_caller_is_warned_once_for_each_line_of_the_spec(odd):
    network = convcost.load(odd)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", ConvcostWarning)
        for _ in range(3):
            network.price()
        network.build()
        network.price("3x320x320")
    assert [str(one.message) for one in caught][:2] == said_of(odd)
    assert {one.filename for one in caught} == {__file__}
    assert len(caught) == 2 + 2 + 2  # three lines here: of the first, only its first turn


def test_the_command_line_says_it_in_one_line_and_strict_makes_it_an_error(odd, capsys):
    assert run(["layers", str(odd), "--format", "csv"]) == 0
    out, err = capsys.readouterr()
    assert err.splitlines() == [f"warning: {line}" for line in said_of(odd)]
    assert out.count("\n") > 3
    for arguments in (
        ["layers", str(odd), "--strict"],
        ["--strict", "check", str(odd)],
        ["check", str(odd), "--strict"],
    ):
        assert run(arguments) == 2
        assert capsys.readouterr() == ("", f"error: {said_of(odd)[0]}\n")
    assert run(["check", str(odd)]) == 0  # and no longer than that


def test_an_error_of_a_window_says_what_was_meant(odd):
    odd.write_text(odd.read_text().replace(", padding=same", ""))
    with pytest.raises(ConvcostError) as error:
        convcost.load(odd).price()
    assert str(error.value).endswith(f"its window of 64 does not fit{SWAPPED}")


AS_PUBLISHED = {
    **{f"ghostnet_v2_{width}": "its kernel of 5x1 is larger than its map of 3" for width in ("1.0", "1.3", "1.6")},
    **{f"mixnet_{size}": "its kernel of 9 is larger than its map of 7" for size in "sml"},
    **{f"vgg{depth}@cifar": "its kernel of 3 is larger than its map of 2" for depth in (11, 13, 16, 19)},
}
"""Shipped networks that are doubtful as their authors have them, and the last doubt about each."""


def test_what_ships_is_doubtful_only_where_it_was_published_so():
    found = {}
    for network in (network for path in shipped_files() for network in every_variant(shipped(path))):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", ConvcostWarning)
            network.price()
        if said:
            found[network.name] = str(said[-1].message).rpartition(": ")[2]
    assert found == AS_PUBLISHED


def test_a_search_does_not_warn_of_what_it_tries():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvcostWarning)
        reconcile(dict([claimed("20M", "ops")]), convcost.load("resnet20"))


def test_knobs_that_are_arrays_are_priced_and_not_warned_of(odd):
    """c channels of 3 by 9 weights at 6x6 positions, then 8 of c by 9 at 4x4."""
    odd.write_text("name: net\nsource: x\ninput: 3x8x8\nknobs: {c: 4}\nlayers: ['conv(c, 3)', 'conv(8, 3)']\n")
    network = convcost.load(odd)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvcostWarning)
        assert network.price(c=np.array([4, 8])).total.macs.tolist() == [c * 27 * 36 + 8 * 9 * c * 16 for c in (4, 8)]


def test_a_window_that_is_clear_on_one_input_is_looked_at_again_on_a_smaller_one(odd):
    odd.write_text("name: net\nsource: x\ninput: 3x8x8\nlayers: ['conv(4, 5, padding=same)', relu]\n")
    network = convcost.load(odd)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvcostWarning)
        network.price()
        network.price((3, 5, 64))
        with pytest.raises(ConvcostWarning, match="its kernel of 5 is larger than its map of 4x64"):
            network.price((3, 4, 64))


def test_a_graph_that_is_priced_without_a_spec_is_warned_of_once():
    """Where the caller's line stands, with the layer's name alone, which has no place."""
    builder = convcost.GraphBuilder("mine", (3, 8, 8))
    builder.add(ops.Conv(4, 9, padding="same"), builder.input, name="wide")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvcostWarning)
        convcost.Cost(builder.graph())
    (said,) = caught
    assert str(said.message) == "layer wide: conv: its kernel of 9 is larger than its map of 8"
    assert said.filename == __file__


def test_a_verification_warns_once(odd):
    pytest.importorskip("fvcore.nn")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvcostWarning)
        assert convcost.verify(convcost.load(odd)).ok
    assert [str(one.message) for one in caught] == said_of(odd)
