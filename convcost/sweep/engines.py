"""What computes the blocks of a sweep, to the same bytes: this process, others of this machine, or a Dask cluster."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeAlias

from convcost.errors import ConvcostError, MissingExtraError
from convcost.sweep.blocks import Sweep
from convcost.sweep.parts import Part, compute

Engine: TypeAlias = Callable[[Sweep, Iterator[int]], Iterator[Part]]
"""Computes blocks, in any order."""
AHEAD = 3
"""Blocks that each worker has in hand or waiting: what is done and not yet written is bounded by them."""
RETRIES = 3
"""How often a block is computed again that was lost with its Dask worker."""


def serial(sweep: Sweep, blocks: Iterator[int]) -> Iterator[Part]:
    """One block after the other, here."""
    for block in blocks:
        yield compute(sweep, block)


def processes(workers: int) -> Engine:
    """That many processes of this machine."""

    def engine(sweep: Sweep, blocks: Iterator[int]) -> Iterator[Part]:
        from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context

        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_us)
        try:
            waiting: set[Future[Part]] = {
                pool.submit(compute, sweep, block) for block in islice(blocks, AHEAD * workers)
            }
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    waiting |= {pool.submit(compute, sweep, block) for block in islice(blocks, 1)}
                    yield future.result()
        except BrokenProcessPool:
            raise ConvcostError("a worker process was killed; what is done is kept: run the same again") from None
        finally:
            pool.shutdown(cancel_futures=True)

    return engine


def dask(address: str) -> Engine:
    """The workers of the Dask cluster whose scheduler listens at `address` (tcp://host:port), as they come and go.

    A block that is lost with its worker is computed again by another one. The workers need this version of convcost,
    and for Parquet its extra. Raises ConvcostError where the scheduler cannot be reached, MissingExtraError without the
    extra.
    """

    def engine(sweep: Sweep, blocks: Iterator[int]) -> Iterator[Part]:
        distributed = _distributed()
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


def _leave_interrupts_to_us() -> None:
    """Ctrl-C goes to every process of a terminal: the blocks in hand are finished, and the main process decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
