"""The command line: `convcost table googlenet`. Commands parse, call the library, and print one table."""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from convcost.cli.commands import cli
from convcost.cli.options import OutputClosedError
from convcost.errors import ConvcostError, ConvcostWarning, one_line, reason


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: with 0, with what the command says, or with 2 and one line on stderr for bad input."""
    # numpy's BLAS, of which nothing here makes use, takes memory for each thread, and where there is none sends SIGINT.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(100_000, 20, 100)  # graphs have no cycles: looking for some took a tenth of a search
    sys.exit(_run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; signals are as before, also where one has stopped it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return _run(arguments)
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def _run(arguments: Sequence[str] | None) -> int:
    _open_stderr()
    if sys.stdout is None:  # closed before we began, as by `>&-`
        return _fail("standard output is closed")
    stdout, stderr = sys.stdout, sys.stderr
    arguments = sys.argv[1:] if arguments is None else arguments
    if "_CONVCOST_COMPLETE" in os.environ:  # a shell asks: it learns of ours
        from convcost.cli import completion as completion
    try:
        with _little_garbage(), _warnings_in_one_line():
            status = cli.main(arguments or ["--help"], prog_name="convcost", standalone_mode=False)
    except click.ClickException as error:
        return _fail(error.format_message())
    except ConvcostWarning as warning:  # --strict
        return _fail(str(warning))
    except ConvcostError as error:
        return _closed() if isinstance(error, OutputClosedError) else _fail(str(error))
    except SystemExit:
        if sys.stdout is stdout:
            raise
        # A reader went away while click printed, as --help does: it has put a stream in their place that says nothing.
        sys.stdout, sys.stderr = stdout, stderr
        return _closed()
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted")
    except (MemoryError, SystemError):  # the second is Python's where it finds no memory for the first
        return _fail("out of memory; a sweep keeps the blocks that are done")
    except ImportError as error:  # of a package that is there, and broken, or finds no memory
        return _fail(f"{error.name or 'a package'} cannot be imported: {reason(error)}")
    except OSError as error:
        return _fail(f"{error.filename or 'standard output'}: {error.strerror or error}")
    return status if isinstance(status, int) else 0


def _open_stderr() -> None:
    """Where standard error was closed, as by `2>&-`: what is said there is lost, and no file of ours has its number."""
    if sys.stderr is None:
        while (descriptor := os.open(os.devnull, os.O_RDWR)) < 2:
            pass
        sys.stderr = os.fdopen(descriptor, "w")


def _closed() -> int:
    """Whoever read our standard output went away."""
    # Python flushes standard output once more when it exits: give it something that takes it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _fail("standard output was closed before all of it was written")


@contextmanager
def _little_garbage() -> Iterator[None]:
    """What a command imports and builds is in use until it ends: Python looks for garbage there seldom, not always."""
    young, *old = gc.get_threshold()
    gc.set_threshold(max(young, 20_000), *old)
    try:
        yield
    finally:
        gc.set_threshold(young, *old)


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Ours are said on standard error, each once; any other is left to Python."""
    said: set[str] = set()
    with warnings.catch_warnings():
        show = warnings.showwarning

        def say(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, ConvcostWarning):
                show(message, category, *where, **more)
            elif str(message) not in said:
                said.add(str(message))
                print(f"warning: {message}", file=sys.stderr)

        warnings.simplefilter("always", ConvcostWarning)
        warnings.showwarning = say
        yield


def _fail(message: str) -> int:
    print(f"error: {one_line(message)}", file=sys.stderr)
    return 2
