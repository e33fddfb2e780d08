"""How far a long command is: seen at a terminal, and nowhere else."""

from __future__ import annotations

import io
import sys

from convcost.cli import run
from convcost.cli.progress import bar, each


class Terminal(io.StringIO):
    """A standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def at_a_terminal(monkeypatch):
    """What says what is written from here on to a terminal; pytest sets a standard error of its own for each phase."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return stream.getvalue


def test_each_says_which_item_it_is_at(monkeypatch):
    terminal = at_a_terminal(monkeypatch)
    assert list(each(["vgg16", "[bold]\x1b[2J"], "networks")) == ["vgg16", "[bold]\x1b[2J"]
    seen = terminal()
    assert "[bold]" in seen
    assert "\x1b[2J" not in seen
    assert "2/2" in seen


def test_what_was_done_before_is_no_part_of_the_rate(monkeypatch):
    terminal = at_a_terminal(monkeypatch)
    with bar(1000, "designs") as shown:
        shown(900, True)
        shown(100, False)
    assert "100/100" in terminal()


def test_one_item_needs_no_bar(monkeypatch):
    terminal = at_a_terminal(monkeypatch)
    assert list(each(["vgg16"], "networks")) == ["vgg16"]
    sys.stderr.write("nothing")
    assert terminal() == "nothing"


def test_nothing_is_said_where_nobody_looks(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert list(each([1, 2, 3], "things")) == [1, 2, 3]
    with bar(3, "things") as shown:
        assert shown is None
    assert sys.stderr.getvalue() == ""


def test_commands_of_many_say_how_far_they_are(monkeypatch, capsys):
    gone = []

    def watched(items, what):
        gone.append((what, list(items)))
        return list(items)[:1]  # one is enough to be watched

    monkeypatch.setattr("convcost.cli.auditing.each", watched)
    monkeypatch.setattr("convcost.auditing.reconcile._KNOWN", {})  # nor does the one network stay all that is known
    assert run(["reconcile", "724,406,816 MACs", "--format", "json"]) in (0, 1)
    assert run(["audit", "squeezenet", "googlenet", "--brief", "--format", "json"]) == 0
    (networks, names), (tables, sources) = gone
    assert (networks, names[0], len(names) > 200) == ("networks", "alexnet@paper", True)
    assert (tables, sources) == ("tables", ["squeezenet", "googlenet"])
    assert capsys.readouterr().err == ""
