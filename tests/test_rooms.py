"""The house: which room may import which, and that nothing goes in a circle."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

ROOMS: dict[str, tuple[str, ...]] = {
    "errors": (),
    "values": ("errors",),
    "exact": ("errors",),
    "render": ("files",),
    "printed": ("errors",),
    "files": ("errors",),
    "tablefiles": ("printed", "files"),
    "ops": ("exact",),
    "counters": ("ops",),
    "cost": ("counters", "printed", "values"),  # a machine is written as people write it: 19.5T
    "spec": ("cost", "files"),
    "network": ("spec",),
    "formulas": ("network", "exact"),
    "torchbridge": ("cost", "network", "machines"),
    "imports": ("torchbridge", "formulas"),
    "designs": ("formulas",),
    "published": ("network", "tablefiles"),
    "auditing": ("published",),
    "machines": ("spec",),
    "door": ("designs", "auditing", "machines"),
    "pictures": ("cost", "render"),
    "simulators": ("network",),
    "exports": ("torchbridge", "files", "simulators"),
    "views": ("render", "pictures", "imports", "exports", "door"),
    "pages": ("views",),
    "cli": ("pages",),
}
"""What each room may import, beside what those rooms may: the table of the house, from the ground up."""

DOORS: dict[tuple[str, str], str] = {
    ("network", "formulas"): "`net.formula` is asked of the network that one holds",
    ("counters", "views"): "a line explains itself by the table of the command line",
    ("counters", "render"): "and that is a Table",
    ("network", "imports"): "a model file is loaded by its path, as a spec is",
    ("cost", "machines"): "a quantity can be the least time on a machine, which a file describes",
    ("cost", "views"): "a cost that is printed is the table of the command line",
    ("cost", "render"): "and that is a Table",
}
"""Upward arrows that a function takes when it is called, never an import of a module, and why."""

POLY = {f"convcost.exact.poly.{name}" for name in ("core", "rules", "bounds", "assume")}
"""The one circle, on purpose: see the end of `core`."""


class Import(NamedTuple):
    """One import of one module by another."""

    place: str
    module: str
    target: str
    late: bool
    """Whether it stands in a function or is of types alone: it is not followed when the module is loaded."""

    @property
    def rooms(self) -> tuple[str, str]:
        return room(self.module), room(self.target)


def room(module: str) -> str:
    """The room of a module, '' of the package itself."""
    return [*module.split("."), ""][1]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted((ROOT / "convcost").rglob("*.py"))}


def imports_of(module: str) -> Iterator[Import]:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    at_load = set(map(id, _loaded(tree)))
    file = MODULES[module].relative_to(ROOT)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        place = f"{file}:{node.lineno}"
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{place}: imports are absolute"
            if node.module and node.module.split(".")[0] == "convcost":
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    yield Import(place, module, whole if whole in MODULES else node.module, id(node) not in at_load)
        else:
            for alias in node.names:
                assert not alias.name.startswith("convcost"), f"{place}: write `from convcost... import ...`"


def _loaded(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is loaded: outside functions and `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _loaded(node)


@cache
def imports() -> list[Import]:
    """Those of all modules."""
    return [one for module in MODULES for one in imports_of(module)]


def between_rooms() -> list[Import]:
    """All but those of what stands in no room."""
    return [one for one in imports() if one.rooms[0] not in ("", "__main__")]


def reachable(start: str) -> set[str]:
    below, todo = {"errors"}, [start]
    while todo:
        for other in ROOMS[todo.pop()]:
            if other not in below:
                below.add(other)
                todo.append(other)
    return below


def test_every_room_stands_in_the_table():
    assert {room(module) for module in MODULES} - {"", "__main__"} == set(ROOMS)


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_only_what_the_table_lets_it(name: str):
    allowed = reachable(name) | {name}
    wrong = [
        f"{one.place}: {name} may not import {one.target}"
        for one in between_rooms()
        if one.rooms[0] == name and one.rooms[1] not in allowed and not (one.late and one.rooms in DOORS)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_table_has_no_circle():
    for name, below in ROOMS.items():
        assert name not in {other for one in below for other in (*reachable(one), one)}, name


def test_every_door_is_used():
    used = {one.rooms for one in between_rooms() if one.late}
    assert set(DOORS) <= used


def test_no_modules_import_each_other_in_a_circle_but_polys_four():
    arrows: dict[str, set[str]] = {module: set() for module in MODULES}
    for one in imports():
        if not one.late and one.target != one.module:
            arrows[one.module].add(one.target)
    circles = [sorted(circle) for circle in strongly_connected(arrows) if len(circle) > 1]
    assert circles == [sorted(POLY)]


def strongly_connected(arrows: dict[str, set[str]]) -> list[set[str]]:
    """Sets of modules each of which reaches every other, by Warshall's closure."""
    reach = {module: set(targets) for module, targets in arrows.items()}
    for middle, beyond in reach.items():
        for targets in reach.values():
            if middle in targets:
                targets |= beyond
    circles = {frozenset(other for other in reach[one] if one in reach.get(other, ())) for one in reach}
    return [set(circle) for circle in circles if circle]


def test_no_top_level_module_hides_a_public_function():
    """`import convcost.audit` would put a module where `convcost.audit` is a function."""
    import convcost

    names = {module.split(".")[1] for module in MODULES if module.count(".") >= 1}
    hidden = names & set(convcost.__all__)
    assert not hidden


def test_tests_import_no_private_names():
    """What a test needs is a name that others may use, or is tested through what it serves."""
    private = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {alias.name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "convcost"
        for alias in node.names
        if any(part.startswith("_") for part in (*(node.module or "").split("."), alias.name))
    ]
    assert not private, "\n".join(private)
