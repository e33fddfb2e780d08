"""Machines as data, and a roofline with measured peaks beside torch."""

import json
from fractions import Fraction

import pytest
import yaml

from convcost.cli import run
from convcost.cost.machine import roofline
from convcost.errors import ConvcostError
from convcost.machines import described, machine, machine_names, machines, measure, read
from convcost.network import load
from convcost.spec.catalog import specs_dir
from convcost.views.running import beside_torch


def test_every_shipped_machine_says_its_source_and_plausible_numbers():
    for one in machines():
        assert one.source, one.name
        assert one.kind, one.name
        assert one.name in machine_names()
        peaks = sorted(one.peak.values())
        assert 10**8 < peaks[0] <= peaks[-1] < 10**16
        assert 10**8 < one.bandwidth < 10**13
        # Each is out of balance as machines are: between half an operation per byte and some thousand.
        assert all(Fraction(1, 5) <= peak / one.bandwidth <= 10_000 for peak in peaks), one.name


def test_what_follows_from_clocks_and_units():
    """Volta's and Ampere's whitepapers: cores x clock x 2; buses: width x rate."""
    assert described("v100_sxm2").peak["float32"] == pytest.approx(5120 * 1530e6 * 2, rel=0.005)
    assert described("a100_sxm_40gb").peak["float32"] == pytest.approx(6912 * 1410e6 * 2, rel=0.005)
    assert described("h100_sxm").peak["float32"] == pytest.approx(16896 * 1980e6 * 2, rel=0.005)
    assert described("t4").peak["float32"] == pytest.approx(2560 * 1590e6 * 2, rel=0.01)
    assert described("jetson_nano").peak["float32"] == pytest.approx(128 * 921e6 * 2, rel=0.001)
    assert described("a100_sxm_40gb").bandwidth == pytest.approx(5120 / 8 * 2 * 1215e6, rel=0.001)
    assert described("jetson_nano").bandwidth == 64 // 8 * 2 * 1_600_000_000
    assert described("stm32f746").peak["int8"] == 216_000_000 * 2 * 2
    assert described("stm32f746").bandwidth == 216_000_000 * 8
    for one in machines():
        if {"float16", "int8"} <= {*one.peak}:
            assert one.peak["int8"] == pytest.approx(2 * one.peak["float16"], rel=0.001)


def test_a_machine_is_a_bound_of_its_type(capsys):
    cost = load("resnet50").price()
    assert machine("a100_sxm_40gb", "int8") == (624 * 10**12, 1555 * 10**9)
    assert roofline(cost, machine("a100_sxm_40gb", "float32")).fused.seconds == Fraction(
        roofline(cost, machine("flops=19.5T,bandwidth=1555G", "float32")).fused.seconds
    )
    assert run(["machine", "--format", "json"]) == 0
    rows = {row["machine"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert list(rows) == machine_names()
    assert rows["stm32f446"]["memory_bytes"] == 131_072
    assert rows["stm32f446"]["float16"] is None


GOOD = {"name": "mine", "peak": {"float32": "1T"}, "bandwidth": "100G", "source": "measured"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"flops": "1T"}, "not 'flops'"),
        ({"bandwidth": None}, "needs the key 'bandwidth'"),
        ({"source": None}, "needs the key 'source'"),
        ({"peak": {"float23": "1T"}}, "unknown dtype 'float23'; did you mean float32?"),
        ({"peak": {}}, "a peak of some type"),
        ({"peak": "1T"}, "peak is a mapping"),
        ({"peak": {"float32": "1TB"}}, "operations per second such as 19.5T, got '1TB'"),
        ({"peak": {"float32": "0"}}, "above 0"),
        ({"bandwidth": "fast"}, "bytes per second such as 1555G, got 'fast'"),
        ({"bandwidth": "3 GFLOPS"}, "bytes per second such as 1555G, got '3 GFLOPS'"),
        ({"bandwidth": [1]}, "bytes per second"),
        ({"memory": "-1"}, "bytes such as 80GiB"),
        ({"memory": "80"}, "is its scale right?"),
        ({"bandwidth": "1555"}, "'1555' is no number of bytes per second such as 1555G: is its scale right?"),
        ({"peak": {"float32": "19.5e30"}}, "operations per second such as 19.5T"),
    ],
)
def test_a_bad_file_is_one_line_with_its_place(tmp_path, change, why):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in {**GOOD, **change}.items() if value is not None}))
    with pytest.raises(ConvcostError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:")
    assert why in str(caught.value)


def test_a_file_of_ones_own_is_a_machine(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(GOOD))
    assert machine(str(path), "float32") == (10**12, 10**11)
    assert run(["roofline", "vgg11", "--machine", str(path), "--depth", "1"]) == 0
    assert "1000G operations and 100 GB of float32" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["machine", "h100"], "unknown machine 'h100'; did you mean h100_sxm?"),
        (["machine", "t4", "--measure"], "takes no name"),
        (["roofline", "vgg11"], "takes a --machine, or --measure"),
        (["roofline", "vgg11", "--machine", "t4", "--measure"], "takes a --machine, or --measure"),
        (["roofline", "vgg11", "--measure", "--dtype", "int8"], "--measure is of float32"),
        (
            ["roofline", "vgg11", "--machine", "t4", "--dtype", "bfloat16"],
            "no peak of bfloat16 is known, only of float32,",
        ),
        (["roofline", "vgg11", "--machine", "../t4"], "unknown machine"),
    ],
)
def test_bad_arguments_are_one_line(arguments, why, capsys):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert why in err


def test_a_measurement_is_of_this_machine():
    found = measure(calls=20)
    assert found.machine.flops > 10**8
    assert found.machine.bandwidth >= found.memory_bandwidth > 10**7
    assert found.or_better(found) == found


def within(name: str, size: str) -> None:
    cost = load(name).price(size)
    on, seconds = beside_torch(cost)
    faster = [
        (one.line.name, float(one.seconds / seconds[one.line.name]))
        for one in roofline(cost, on.machine).layers
        if one.seconds > seconds[one.line.name]
    ]
    assert faster == []


def test_torch_is_never_faster_than_the_bound_of_measured_peaks():
    within("resnet18", "3x64x64")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["alexnet", "vgg11", "googlenet", "resnet50", "densenet121", "mobilenet_v1", "mobilenet_v2", "squeezenet",
     "shufflenet_v2_x1.0", "efficientnet_b0"],
)  # fmt: skip
def test_ten_networks_are_never_faster_than_their_bounds(name):
    within(name, "3x224x224")


def test_every_source_says_whether_somebody_has_looked_into_it():
    assert all("named, not opened" in one.source and "compared" in one.source for one in machines())


def test_the_machines_are_files_of_the_package():
    assert len([*(specs_dir() / "machines").glob("*.yaml")]) == len(machine_names()) >= 10
