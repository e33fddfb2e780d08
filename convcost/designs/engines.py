"""What computes the blocks of a sweep, to the same bytes: this process, or others of this machine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from threading import Lock, Thread
from typing import TYPE_CHECKING, TypeAlias

from convcost.designs.blocks import AnySweep
from convcost.designs.parts import Part, compute
from convcost.errors import ConvcostError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Parts: TypeAlias = Generator[Part, None, None]
Engine: TypeAlias = Callable[[AnySweep, Iterator[int]], Parts]
"""Computes blocks, in any order; what it has started ends when the generator is closed."""
AHEAD = 3
"""Blocks that each worker has in hand or waiting: what is done and not yet written is bounded by them."""


def serial(sweep: AnySweep, blocks: Iterator[int]) -> Parts:
    """One block after the other, here."""
    for block in blocks:
        yield compute(sweep, block)


def processes(workers: int) -> Engine:
    """That many processes of this machine, which end with this one, however it ends."""

    def engine(sweep: AnySweep, blocks: Iterator[int]) -> Parts:
        from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context

        spawn = get_context("spawn")
        ended, ours = spawn.Pipe(duplex=False)
        with _signals_for_us():
            pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_follow, initargs=(ended,))

        def submit(count: int) -> set[Future[Part]]:
            with _signals_for_us():
                return {pool.submit(_task, sweep, block) for block in islice(blocks, count)}

        try:
            waiting = submit(AHEAD * workers)
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    waiting |= submit(1)
                    yield future.result()
        except BrokenProcessPool:
            raise ConvcostError("a worker process was killed; what is done is kept: run the same again") from None
        finally:
            # Without them, a second Ctrl-C that cuts the next line short leaves nothing that Python would wait for.
            ours.close()
            pool.shutdown(cancel_futures=True)
            ended.close()

    return engine


@contextmanager
def _signals_for_us() -> Iterator[None]:
    """Processes that start meanwhile leave Ctrl-C and the end of a terminal, which go to all processes, to this one."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    ours = {signal.SIGINT, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    try:
        resource_tracker.ensure_running()  # a process, too, whose start lets Ctrl-C through again
        signal.pthread_sigmask(signal.SIG_BLOCK, ours)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_GATE = Lock()
_state = {"computing": False, "ended": False}
"""Of a worker. It may not die while it sends what it has computed: whoever reads would wait for the rest for ever."""


def _task(sweep: AnySweep, block: int) -> Part:
    """A block, in a worker."""
    _pass(computing=True)
    try:
        return compute(sweep, block)
    finally:
        _pass(computing=False)


def _pass(*, computing: bool) -> None:
    with _GATE:
        if _state["ended"]:
            os._exit(1)
        _state["computing"] = computing


def _follow(ended: Connection) -> None:
    """In a worker: leave Ctrl-C to the main process, where it was not left before, and end when that says or ends."""

    def watch() -> None:
        with suppress(OSError, EOFError):  # nothing is ever sent
            ended.recv_bytes()
        with _GATE:
            _state["ended"] = True
            if _state["computing"]:
                os._exit(1)
        time.sleep(1)  # what is being sent arrives, if somebody is left to take it
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=watch, daemon=True).start()
