"""What computes the blocks of a sweep, to the same bytes: this process, others of this machine, or a Dask cluster."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeAlias

from convcost.designs.blocks import Sweep
from convcost.designs.parts import Part, compute
from convcost.errors import ConvcostError, MissingExtraError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Parts: TypeAlias = Generator[Part, None, None]
Engine: TypeAlias = Callable[[Sweep, Iterator[int]], Parts]
"""Computes blocks, in any order; what it has started ends when the generator is closed."""
AHEAD = 3
"""Blocks that each worker has in hand or waiting: what is done and not yet written is bounded by them."""
RETRIES = 3
"""How often a block is computed again that was lost with its Dask worker."""
CONNECT, ANSWER = 5, 15
"""Seconds until somebody listens at a scheduler's address, and until they have said that they are one."""
_ADDRESS = re.compile(r"(?:[a-z]+://)?[^\s/]+:(?P<port>\d{1,5})|inproc://\S+", re.ASCII)


def serial(sweep: Sweep, blocks: Iterator[int]) -> Parts:
    """One block after the other, here."""
    for block in blocks:
        yield compute(sweep, block)


def processes(workers: int) -> Engine:
    """That many processes of this machine, which end with this one, however it ends."""

    def engine(sweep: Sweep, blocks: Iterator[int]) -> Parts:
        from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context

        spawn = get_context("spawn")
        ended, ours = spawn.Pipe(duplex=False)
        with _signals_for_us():
            pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_follow, initargs=(ended,))

        def submit(count: int) -> set[Future[Part]]:
            with _signals_for_us():
                return {pool.submit(compute, sweep, block) for block in islice(blocks, count)}

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


def dask(address: str) -> Engine:
    """The workers of the Dask cluster whose scheduler listens at `address` (tcp://host:port), as they come and go.

    A block that is lost with its worker is computed again by another one. The workers need this version of convcost,
    and for Parquet its extra. Raises ConvcostError where this is no address, and when it computes where the scheduler
    cannot be reached, MissingExtraError without the extra.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"] or 0) > 65_535:
        raise ConvcostError(f"--scheduler {address}: write it as tcp://host:port")

    def engine(sweep: Sweep, blocks: Iterator[int]) -> Parts:
        distributed = _distributed()
        _meet(address, distributed)
        try:
            client = distributed.Client(address, timeout="20s", set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise ConvcostError(f"--scheduler {address}: {error}") from None
        with client:
            threads = sum(client.nthreads().values())
            if not threads:
                raise ConvcostError(f"--scheduler {address}: it has no workers")

            def submit(block: int) -> Any:
                return client.submit(compute, sweep, block, pure=False, retries=RETRIES)

            first = [submit(block) for block in islice(blocks, AHEAD * threads)]
            waiting = distributed.as_completed(first, loop=client.loop)
            for future in waiting:
                part = _result(future, distributed)
                future.release()
                for block in islice(blocks, 1):
                    waiting.add(submit(block))
                yield part

    return engine


def _meet(address: str, distributed: Any) -> None:
    """Raise ConvcostError unless a scheduler answers: a Dask client that fails to connect is long in going away."""
    from tornado.httpclient import HTTPClientError
    from tornado.websocket import WebSocketError

    async def kind() -> Any:
        async with distributed.rpc(address, timeout=CONNECT) as there:
            return (await there.identity())["type"]

    try:
        found = asyncio.run(asyncio.wait_for(kind(), ANSWER))
    except MemoryError:  # Dask reads a size out of what another server says
        raise ConvcostError(f"--scheduler {address}: what answers there is no scheduler") from None
    except (OSError, ValueError, TypeError, HTTPClientError, WebSocketError) as error:
        said = str(error) or f"what listens there has not said in {ANSWER} s that it is a scheduler"
        raise ConvcostError(f"--scheduler {address}: {said}") from None
    if found != "Scheduler":
        raise ConvcostError(f"--scheduler {address}: it is the address of a {found}, not of the scheduler")


def _result(future: Any, distributed: Any) -> Part:
    try:
        part: Part = future.result()
    except distributed.KilledWorker as error:
        raise ConvcostError(
            f"the cluster's workers were killed, again and again, while they computed: {error}"
        ) from None
    except (distributed.client.FutureCancelledError, OSError) as error:
        raise ConvcostError(f"the Dask cluster is gone: {error}; what is done is kept: run the same again") from None
    return part


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise MissingExtraError("distributed", "dask") from None
    return distributed


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


def _follow(ended: Connection) -> None:
    """In a worker: leave Ctrl-C to the main process, where it was not left before, and end when that says or ends."""

    def watch() -> None:
        with suppress(OSError, EOFError):  # nothing is ever sent
            ended.recv_bytes()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=watch, daemon=True).start()
