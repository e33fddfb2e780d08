"""Bad specs end in one line that says where, what and why, within bounded time and memory, and in nothing else."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from effort import bounded, warm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convcost.errors import ConvcostError
from convcost.network import every_variant
from convcost.spec import document
from convcost.spec.catalog import shipped_files
from convcost.spec.model import Spec

HEAD = "name: net\nsource: test\ninput: 8x16x16\n"


def price(text: str) -> None:
    for network in every_variant(Spec(document.parse(text, "net.yaml"))):
        network.price()


def chain(blocks: int, item: str) -> str:
    """Blocks each of which calls the next."""
    calls = "".join(f"  b{i}: {item.format(f'b{i + 1}')}\n" for i in range(blocks))
    return f"{HEAD}blocks:\n{calls}  b{blocks}: relu\nlayers: [b0]\n"


def doubling(names: str, levels: int) -> str:
    """A list that holds the one before twice, and so on."""
    lists = [f"{names}0: '[1, 1]'", *(f"{names}{i}: '[{names}{i - 1}, {names}{i - 1}]'" for i in range(1, levels))]
    return ", ".join(lists)


def nested(levels: int) -> str:
    """A list in a list, and so on."""
    return ", ".join(["a0: '[1]'", *(f"a{i}: '[a{i - 1}]'" for i in range(1, levels))])


def many(name: str) -> str:
    """1,500 names without knobs."""
    return ", ".join(f"{name}{i}: " for i in range(1_500))


DEEPER = "layers stand deeper than 100 blocks, scopes and chains in each other"
LISTS = "a list of more than 1,000 values, or deeper than 50 levels"
BAD = {
    "a chain of blocks": (chain(1_000, "{}"), DEEPER),
    "a chain of named layers": (chain(200, "{{x: {}}}"), DEEPER),
    "a chain of joins": (chain(200, "{{concat: [{{a: [[{}]]}}, relu]}}"), DEEPER),
    "a chain of repeats": (chain(200, "{{repeat: 1, layers: [{{a: {}}}]}}"), DEEPER),
    "what follows itself": (HEAD + "defaults: {relu: {then: relu}}\nlayers: [relu]", DEEPER),
    "what follows each other": (HEAD + "defaults: {relu: {then: bn}, bn: {then: relu}}\nlayers: [relu]", DEEPER),
    "lists of lists": (HEAD + f"let: {{{doubling('a', 40)}}}\nlayers: ['conv(a39, 1)']", LISTS),
    "lists that are compared": (
        HEAD + f"let: {{{doubling('a', 40)}, {doubling('b', 40)}}}\nlayers: ['relu if a39 == b39 else bn']",
        LISTS,
    ),
    "a list within lists": (HEAD + f"let: {{{nested(3_000)}}}\nlayers: ['conv(a2999, 1)']", LISTS),
    "networks by variants": (
        HEAD + f"networks: {{{many('n')}}}\nvariants: {{{many('v')}}}\nlayers: [relu]",
        "more than 1,000 networks, each variant counted",
    ),
    "empty file": ("", "net.yaml:1:1: here a YAML mapping is needed"),
    "a list": ("- a", "net.yaml:1:1: here a YAML mapping is needed"),
    "no layers": (HEAD, "a spec needs the key 'layers'"),
    "unknown key": (HEAD + "layer: [relu]", "net.yaml:4:1: a spec has no key 'layer'; did you mean layers?"),
    "duplicate key": (HEAD + "name: b\nlayers: [relu]", "net.yaml:4:1: 'name' stands twice, first at line 1"),
    "a tab": (HEAD + "layers:\n\t- relu", "net.yaml:5:1: not valid YAML"),
    "a BOM": ("\ufeff" + HEAD, "net.yaml:1:1: the file starts with a byte order mark"),
    "a control character": (HEAD + "layers: [re\x01lu]", "net.yaml:4:"),
    "an alias": ("name: &a net\ninput: 1x1\nlayers: [*a]", "net.yaml:1:7: anchors and aliases"),
    "a tag": ("name: !!python/name:os.system x\n", "net.yaml:1:7: YAML tags"),
    "two documents": (HEAD + "layers: [relu]\n---\na: b", "net.yaml:5:1: a spec file holds one YAML document"),
    "unbalanced": (HEAD + "layers: [relu", "not valid YAML"),
    "deep": (HEAD + "layers: " + "[" * 60 + "]" * 60, "nested deeper than 40 levels"),
    "bad input": ("name: net\ninput: 3xx4\nlayers: [relu]", "net.yaml:2:8: an input is written channels x sizes"),
    "zero input": ("name: net\ninput: 3x0x4\nlayers: [relu]", "net.yaml:2:8: an input is written channels x sizes"),
    "no layer": (HEAD + "layers: []", "net: a network needs at least one layer"),
    "unknown operator": (
        HEAD + "layers: ['konv(3, 3)']",
        "net.yaml:4:11: unknown operator, block or layer 'konv'; did",
    ),
    "unknown argument": (
        HEAD + "layers: ['conv(4, 3, strid=2)']",
        "conv has no argument 'strid'; did you mean stride?",
    ),
    "missing argument": (HEAD + "layers: [conv(3)]", "net.yaml:4:10: conv needs the argument 'kernel_size'"),
    "too many arguments": (HEAD + "layers: ['relu(1)']", "relu takes 0 arguments, got 1"),
    "an argument twice": (HEAD + "layers: ['conv(4, 3, kernel_size=3)']", "conv: kernel_size is given twice"),
    "wrong type": (HEAD + "layers: [\"conv(4, 'three')\"]", "conv: kernel_size must be an integer, got 'three'"),
    "half a channel": (HEAD + "layers: ['conv(9 / 2, 1)']", "conv: out_channels must be an integer, got 9/2"),
    "a wrong flag": (HEAD + "layers: ['conv(4, 1, bias=2)']", "conv: bias must be true or false, got 2"),
    "zero stride": (HEAD + "layers: ['conv(4, 3, stride=0)']", "conv: stride must be at least 1, got 0"),
    "kernel larger than input": (HEAD + "layers: [a: 'conv(4, 17)']", "net.yaml:4:14: layer a: conv of 8x16x16"),
    "groups": (HEAD + "layers: ['conv(4, 1, groups=3)']", "groups=3 does not divide"),
    "groups of the input": (HEAD + "layers: ['conv(6, 1, groups=3)']", "groups=3 does not divide in_channels=8"),
    "shapes that don't fit": (
        HEAD + "layers: [a: 'conv(4, 1)', b: 'a >> conv(5, 1)', c: 'add(a, b)']",
        "layer c: add of different shapes: 4x16x16 and 5x16x16 (a is 4x16x16, b/conv is 5x16x16)",
    ),
    "a join of none": (HEAD + "layers: [{concat: [none]}]", "a join needs a branch"),
    "a cycle": (
        HEAD + "blocks: {a(): b(), b(): a()}\nlayers: [a()]",
        "block a calls itself: a -> b -> a",
    ),
    "a cycle with arguments": (
        HEAD + "blocks: {a(n): b(n + 1), b(m): a(m - 1)}\nlayers: [a(1)]",
        "block a calls itself with the same arguments: a -> b -> a",
    ),
    "a recursion that nothing ends": (
        HEAD + "blocks: {a(n): a(n + 1)}\nlayers: [a(1)]",
        DEEPER + "; block a calls itself, 49 times by now",
    ),
    "a step that does not name what is collected": (
        HEAD + "layers: [{repeat: 2, collect: skip, layers: [skp: relu]}, add(skip)]",
        "net.yaml:4:31: a step of the repeat names no layer 'skip' to collect; did you mean skp?",
    ),
    "what a step takes from outside": (
        HEAD + "layers: [a: relu, {repeat: 2, collect: a, layers: [relu]}, add(a)]",
        "net.yaml:4:40: a step of the repeat names no layer 'a' to collect",
    ),
    "a chain on what is collected": (
        HEAD + "layers: [{repeat: 2, collect: a, layers: [a: relu]}, a >> relu]",
        "net.yaml:4:54: a is of every step of a repeat: only a join takes it, concat(a)",
    ),
    "a repeat that collects an operator": (
        HEAD + "layers: [{repeat: 2, collect: relu, layers: [relu]}]",
        "net.yaml:4:31: what a repeat collects is the name of a layer of its steps",
    ),
    "a join of one": (HEAD + "layers: [a: relu, add(a)]", "net.yaml:4:19: add joins two tensors or more: add(a, b)"),
    "unused layer": (HEAD + "layers: [a: 'conv(4, 1)', b: 'input >> relu']", "layer a: its output is never used"),
    "unused knob": (HEAD + "knobs: {n: 1}\nlayers: [relu]", "net.yaml:4:9: 'n' is never used"),
    "unused block": (HEAD + "blocks: {b(): relu}\nlayers: [relu]", "block b is never used"),
    "unused argument": (HEAD + "blocks: {b(x): relu}\nlayers: [b(1)]", "block b never uses its argument 'x'"),
    "a word as layer": (
        HEAD + "layers: [same: 'conv(4, 1)', b: 'conv(4, 3, padding=same)']",
        "net.yaml:4:10: 'same' is a word of the language and cannot name a layer",
    ),
    "duplicate layer": (HEAD + "layers: [a: relu, a: relu]", "layer a: there is another layer of this name"),
    "a layer called as an operator": (
        HEAD + "blocks: {b(exp): exp >> relu}\nlayers: [a: 'conv(4, 1)', b(a)]",
        "net.yaml:4:10: block b: 'exp' is an operator and cannot name a layer",
    ),
    "reserved knob": (HEAD + "knobs: {conv: 1}\nlayers: ['conv(conv, 1)']", "'conv' cannot name a value"),
    "unknown name": (
        HEAD + "knobs: {depth: 1}\nlayers: ['conv(dept + depth, 1)']",
        "unknown name 'dept'; did you mean",
    ),
    "unknown knob in variant": (HEAD + "variants: {a: {n: 1}}\nlayers: [relu]", "a sets an unknown knob 'n'"),
    "wrong knob type": (
        HEAD + "knobs: {n: 1}\nvariants: {a: {n: x}}\nlayers: ['conv(n, 1)']",
        "net.yaml:5:19: knob n takes a number, got 'x'",
    ),
    "huge power": (HEAD + "layers: ['conv(9**9**9, 1)']", "an exponent must be an integer from 0 to 64"),
    "huge number": (HEAD + "layers: ['conv(99999999999 ** 60, 1)']", "the number is too large"),
    "attribute": (
        HEAD + "layers: ['conv(x.y, 1)']",
        "net.yaml:4:16: attribute access is not part of the spec language",
    ),
    "lambda": (HEAD + "layers: ['conv((lambda: 3)(), 1)']", "only an operator, a block or a function can be called"),
    "comprehension": (HEAD + "layers: ['conv([i for i in x], 1)']", "ListComp is not part of the spec language"),
    "a dunder": (HEAD + "layers: ['__import__(1)']", "unknown operator, block or layer '__import__'"),
    "a syntax error": (HEAD + "layers: ['conv(4,, 3)']", "net.yaml:4:"),
    "a deep expression": (HEAD + f"layers: ['conv({'(' * 300}1{')' * 300}, 1)']", "net.yaml:4:"),
    "many minuses": (HEAD + f"layers: ['conv({'-' * 900}1, 1)']", "net.yaml:4:"),
    "a long expression": (HEAD + f"layers: ['conv({'1+' * 3000}1, 1)']", "an expression of"),
    "division by zero": (HEAD + "layers: ['conv(4 // 0, 1)']", "division by zero"),
    "negative repeat": (HEAD + "layers: [{repeat: -1, layers: relu}]", "a repeat needs an integer >= 0"),
    "a million repeats": (HEAD + "layers: [{repeat: 1000000, layers: relu}]", "the network is too large"),
    "repeats of repeats": (
        HEAD + "layers: [{repeat: 5000, layers: {repeat: 5000, layers: identity}}]",
        "the network is too large",
    ),
    "doubling blocks": (
        HEAD
        + "blocks:\n"
        + "".join(f"  b{i}(): [b{i + 1}(), b{i + 1}()]\n" for i in range(20))
        + "  b20(): relu\nlayers: [b0()]",
        "the network is too large",
    ),
    "two keys": (HEAD + "layers: [{a: relu, b: relu}]", "one name per list item"),
    "misspelt structure": (HEAD + "layers: [{repeat: 2, layer: relu}]", "repeat has no part 'layer'"),
    "beyond ASCII": (HEAD + "layers:\n- 名: relu\n- 名 >> conv(8, q)", "net.yaml:6:16: unknown name 'q'"),
    "over lines": (HEAD + "layers:\n- relu\n  >> conv(8, q)", "net.yaml:5:3: unknown name 'q'"),
    "folded": (HEAD + "layers:\n- >\n  relu\n  >> conv(8, q)", "net.yaml:5:3: unknown name 'q'"),
    "a literal block": (HEAD + "layers:\n- |\n  relu >>\n  conv(8,,1)", "net.yaml:5:3: not an expression"),
    "quoted": (HEAD + "layers:\n- 'relu >> conv(8, q)'", "net.yaml:5:20: unknown name 'q'"),
    "escaped": (HEAD + 'layers:\n- "\\x72elu >> conv(8, q)"', "net.yaml:5:4: unknown name 'q'"),
    "a comma in braces": (
        HEAD + "layers:\n- {repeat: 2, layers: conv(8, 1)}",
        "net.yaml:5:27: not an expression: 'conv(8': a parenthesis is not closed; in { } and [ ] YAML ends",
    ),
    "a word of Python": (HEAD + "layers:\n- in: relu\n- add: [in, relu]", "'in': a word of Python"),
    "a layer as a number": (
        HEAD + "layers:\n- stem: relu\n- conv(stem, input)",
        "conv: out_channels must be an integer, got the layer stem",
    ),
    "an exponent": (HEAD + "layers:\n- conv(8e0, 1)", "net.yaml:5:8: a decimal is digits"),
    "a long decimal": (HEAD + f"layers:\n- conv(0.{'3' * 31}, 1)", "net.yaml:5:8: a decimal is digits"),
    "a number as layer": (HEAD + "layers: [3]", "net.yaml:4:10: a layer is a call such as conv(64, 3)"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD.keys())
def test_bad_specs_say_where_what_and_why(text, said):
    with pytest.raises(ConvcostError) as error:
        price(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_bad_specs_are_refused_soon():
    def attempt(text):
        with pytest.raises(ConvcostError):
            price(text)

    for name, (text, _) in BAD.items():
        assert bounded(warm(lambda text=text: attempt(text))()), name


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (200_000_000, 200_000_000))


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\xff\xfe binary \x80",
        b"\x7fELF" + os.urandom(4000),
        b"name: net\n" + b"#" * 100_000_000,
        b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(b"b%d: &b%d [*a,*a,*a,*a,*a]\n" % (i, i) for i in range(20)),
        (HEAD + "layers: [{repeat: 1000000, layers: relu}]").encode(),
        (HEAD + "layers: ['conv(9**9**9, 1)']").encode(),
        (HEAD + "layers: [" + "relu," * 190_000 + "]").encode(),
        "name: näme\n".encode("latin-1"),
    ],
    ids=["binary", "elf", "100 MB", "alias bomb", "10^6 repeats", "9**9**9", "a megabyte of layers", "latin-1"],
)
def test_hostile_files_end_soon_and_small(tmp_path, content):
    path = tmp_path / "net.yaml"
    path.write_bytes(content)
    command = [sys.executable, "-c", "from convcost.cli import main; main()", "check", str(path)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=_limited, timeout=20)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {path}:")
    assert done.stderr.count("\n") == 1
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert bounded(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def test_unreadable_and_irregular_files(tmp_path):
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)
    for path, said in (
        (fifo, "not a regular file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "no", "No such file"),
    ):
        with pytest.raises(ConvcostError, match=said):
            Spec.read(path)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs files of a kernel")
@pytest.mark.parametrize("path", ["/proc/kmsg", "/proc/self/mem", "/proc/self/environ", "/proc/self/smaps"])
def test_files_that_a_kernel_makes_up_end_soon(path):
    """They are regular and say that they are empty; one of them waits for the kernel's next message."""
    command = [sys.executable, "-c", "from convcost.cli import main; main()", "check", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {path}:")
    assert done.stderr.count("\n") == 1


EACH = """
import sys
from convcost.cli import run
arguments = []
for word in sys.argv[1:]:
    if word != "next":
        arguments.append(word)
        continue
    print("status", run(arguments), file=sys.stderr)
    arguments = []
"""
"""Runs several commands of one command line: the bytes are a process's, which takes longer to start than to refuse."""


def test_bytes_of_a_command_line_that_are_no_text_are_one_line(tmp_path):
    out = tmp_path / "x.csv"
    asked = (
        ([b"layers", b"vgg11", b"--set", b"x=\xff"], "--set x:1:1: not UTF-8 text"),
        ([b"layers", b"vgg11", b"--set", b"\xff=1"], "vgg11 has no knob"),
        ([b"sweep", b"vgg11", b"--over", b"H=\xff", b"--out", bytes(out)], "--over"),
        ([b"sweep", b"vgg11", b"--over", b"\xff=1:2", b"--out", bytes(out)], "cannot name an axis"),
        ([b"solve", b"vgg11", b"--over", b"H", b"--max", b"macs=1\xff"], "--max"),
        ([b"solve", b"vgg11", b"--over", b"H", b"--max", b"macs=1M", b"--maximize", b"H\xff"], "--maximize"),
        ([b"formula", b"vgg11", b"--under", b"H=\xff"], "not"),
        ([b"layers", b"\xff.yaml"], "No such file"),
        ([b"table", b"\xff"], "table"),
        ([b"audit", b"\xff.md"], "No such file"),
    )
    words = [word for arguments, _ in asked for word in (*arguments, b"next")]
    done = subprocess.run([sys.executable, "-c", EACH, *words], capture_output=True, timeout=60)
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, len(lines)) == (0, 2 * len(asked)), lines
    for (arguments, said), err, status in zip(asked, lines[::2], lines[1::2], strict=True):
        assert (status, err[:7]) == ("status 2", "error: "), (arguments, err)
        assert said in err
    assert not out.exists()


def test_a_name_that_is_no_text_is_a_file_all_the_same(tmp_path):
    path = bytes(tmp_path / "x") + b"\xff.yaml"
    for command in (b"new", b"check"):
        done = subprocess.run([sys.executable, "-m", "convcost", command, path], capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
    assert b"my_network@wide: valid" in done.stdout


SOURCES = [path.read_text() for path in shipped_files()]
SNIPPETS = (
    r"""**9**9 [ ] { } ' " : >> ( ) , = if else not 0 -1 999999999 1.5 none true same conv concat: repeat: identity""",
    r"""input &a *a !x # \ é lambda .x layers: in_channels""",
)
PIECES = [*" ".join(SNIPPETS).split(), "\t", "\n", "- ", "\x00"]


@st.composite
def mutated_specs(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(SOURCES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        new = draw(st.sampled_from(PIECES) | st.text(max_size=3))
        text = text[:start] + new + text[end:]
    return text


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_specs())
def test_mutated_specs_price_or_say_why(text):
    with contextlib.suppress(ConvcostError):  # anything else that comes out fails the test
        next(every_variant(Spec(document.parse(text, "net.yaml")))).price()
