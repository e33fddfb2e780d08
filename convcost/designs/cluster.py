"""The workers of a Dask cluster as they come and go, which compute the blocks of a sweep.

Every worker is asked first whether it can: with another version of convcost, or without a package, it gets no block (a
task that cannot be read there would end it). Blocks are handed out by us, a few ahead to each worker, so that those of
one that is gone, or has not answered for a while, are known and go to the others.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, Queue
from time import monotonic
from typing import Any, NamedTuple

from convcost.designs.blocks import AnySweep
from convcost.designs.engines import AHEAD, Engine, Parts
from convcost.designs.parts import Part, compute
from convcost.errors import ConvcostError, MissingExtraError, warn

TRIES = 3
"""How often a block is computed again that was lost with its worker, or failed there."""
CONNECT, ANSWER = 5, 15
"""Seconds until somebody listens at a scheduler's address, and until they have said that they are one."""
LOOK, SILENT = 2, 30
"""Seconds between two looks at the cluster, and without an answer until a worker, or the scheduler, is given up."""
KEPT = "what is done is kept: run the same again"
_ADDRESS = re.compile(r"(?:[a-z]+://)?[^\s/]+:(?P<port>\d{1,5})|inproc://\S+", re.ASCII)


def dask(address: str) -> Engine:
    """The workers of the Dask cluster whose scheduler listens at `address`: tcp://host:port, tls://host:port.

    Certificates are those of Dask's own configuration. The workers need this version of convcost, and for Parquet its
    extra; those that have not are left out. Raises ConvcostError where this is no address, and when it computes where
    the scheduler cannot be reached or no worker can compute, MissingExtraError without the extra.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"] or 0) > 65_535:
        raise ConvcostError(f"--scheduler {address}: write it as tcp://host:port")

    def engine(sweep: AnySweep, blocks: Iterator[int]) -> Parts:
        distributed = _distributed()
        with _quiet():
            _meet(address, distributed)
            try:
                client = distributed.Client(address, timeout="20s", set_as_default=False)
            except (OSError, ValueError, TypeError, TimeoutError) as error:
                raise ConvcostError(f"--scheduler {address}: {error}") from None
            with client:
                yield from _Cluster(client, address, sweep, blocks).parts()

    return engine


@dataclass
class _Worker:
    """A worker, and what we know of it."""

    threads: int
    asked: Future[Any] | None = None
    since: float = 0
    """When it was asked."""
    able: bool = False
    why: str = ""
    """Why it is not, as far as it was heard of."""
    told: bool = False
    """Whether that has been said."""
    blocks: set[str] = field(default_factory=set)
    """The keys of those that it has in hand."""


class _Hand(NamedTuple):
    """A block that is with a worker."""

    block: int
    worker: str
    future: Any
    """Dask's."""
    fetched: Future[Part]
    """Ours, of its result here."""


class _Cluster:
    """Hands out blocks, and takes them back."""

    def __init__(self, client: Any, address: str, sweep: AnySweep, blocks: Iterator[int]) -> None:
        self.client, self.address, self.sweep = client, address, sweep
        self.blocks = blocks
        self.again: deque[int] = deque()
        self.tries: Counter[int] = Counter()
        self.workers: dict[str, _Worker] = {}
        self.hands: dict[str, _Hand] = {}
        """By the keys of their futures, the blocks that are with workers."""
        self.done: Queue[str] = Queue()
        """The keys of those of which there is a result."""
        self.members: Future[Any] | None = None
        self.looked = self.able_at = self.asked_at = monotonic()
        self.begun = self.ended = False

    def parts(self) -> Parts:
        """The blocks, as they are done. Raises ConvcostError when no worker is left that could do more."""
        self._look()
        while True:
            self._hand_out()
            if not self.hands and self.ended:
                return
            key = ""
            with suppress(Empty):
                key = self.done.get(timeout=LOOK if self.begun else LOOK / 10)
            if (hand := self.hands.pop(key, None)) is not None:
                self.workers[hand.worker].blocks.remove(key)
                if (part := self._part(hand)) is not None:
                    yield part
                hand.future.release()
            self._look()

    # -- blocks ------------------------------------------------------------------------------------------------------

    def _next(self) -> int | None:
        return self.again.popleft() if self.again else next(self.blocks, None)

    def _hand_out(self) -> None:
        """Give blocks to those that have the fewest, up to AHEAD for each of their threads."""
        while able := [
            name for name, one in self.workers.items() if one.able and len(one.blocks) < AHEAD * one.threads
        ]:
            self.begun = True
            if (block := self._next()) is None:
                self.ended = True
                return
            name = min(able, key=lambda name: len(self.workers[name].blocks) / self.workers[name].threads)
            future = self.client.submit(compute, self.sweep, block, pure=False, workers=[name])
            # A result that is lost with its worker, once it is there, never comes: only this waits for it.
            fetched = self._ask(self._fetch, future)
            self.hands[future.key] = _Hand(block, name, future, fetched)
            self.workers[name].blocks.add(future.key)
            fetched.add_done_callback(partial(self._put, future.key))

    def _put(self, key: str, _: Future[Any]) -> None:
        self.done.put(key)

    def _take_back(self, name: str) -> None:
        """The blocks of a worker, for others."""
        worker = self.workers[name]
        worker.able = False
        for key in worker.blocks:
            hand = self.hands.pop(key)
            hand.fetched.cancel()
            hand.future.release()
            self._try_again(hand.block, f"its worker {name} is gone")
        worker.blocks.clear()

    def _try_again(self, block: int, why: str) -> None:
        self.tries[block] += 1
        if self.tries[block] > TRIES:
            raise ConvcostError(f"--scheduler {self.address}: block {block} was lost {TRIES + 1} times: {why}; {KEPT}")
        self.again.append(block)
        self.ended = False

    def _part(self, hand: _Hand) -> Part | None:
        """What was computed; None if the block has to be computed again."""
        try:
            part: Part = hand.fetched.result()
        except ConvcostError:
            raise
        except (Exception, CancelledError) as error:  # noqa: BLE001  # whatever it is: of the task, or of the cluster
            self._try_again(hand.block, f"{hand.worker}: {type(error).__name__}: {error}")
            return None
        return part

    # -- the cluster -------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """See who is there, and who answers; nothing here waits."""
        now = monotonic()
        if self.members is None and (now - self.looked >= LOOK or not self.workers):
            self.looked = self.asked_at = now
            self.members = self._ask(self._who)
        if self.members is not None and self.members.done():
            try:
                there = self.members.result()
            except OSError as error:
                raise ConvcostError(f"the Dask cluster is gone: {error}; {KEPT}") from None
            self.members = None
            self._update(there, now)
        elif self.members is not None and now - self.asked_at > SILENT:
            raise ConvcostError(f"--scheduler {self.address}: it has not answered for {SILENT} s; {KEPT}")
        for name, worker in self.workers.items():
            if worker.asked is not None and worker.asked.done():
                answer, worker.asked = worker.asked.result(), None
                self._heard(name, answer)
            elif worker.asked is not None and worker.able and now - worker.since > SILENT:
                self._take_back(name)
                worker.why = f"it has not answered for {SILENT} s"
        if any(worker.able for worker in self.workers.values()):
            self.able_at = now
            for name, worker in self.workers.items():
                if worker.why and not worker.able and not worker.told:
                    worker.told = True
                    warn(f"--scheduler {self.address}: {name} is left out: {worker.why}")
        elif self.members is None:
            self._despair(now)

    def _update(self, there: dict[str, int], now: float) -> None:
        """Who has come is asked what it can do, and who is there whether it still answers."""
        for name in self.workers.keys() - there:
            self._take_back(name)
            del self.workers[name]
        for name, threads in there.items():
            worker = self.workers.setdefault(name, _Worker(threads))
            if worker.asked is None:
                worker.asked, worker.since = self._ask(self._probe, name), now

    def _heard(self, name: str, answer: Any) -> None:
        worker = self.workers[name]
        was, worker.able = worker.able, answer == self.sweep.version
        if worker.able:
            return
        if isinstance(answer, BaseException):
            worker.why = f"{type(answer).__name__}: {answer}"
            worker.told |= was  # it ends while it is asked, and will be gone
        else:
            worker.why = f"it has convcost {answer}, and the sweep is of {self.sweep.version}"
        self._take_back(name)

    def _despair(self, now: float) -> None:
        """Raise ConvcostError if nobody can compute: at once at the start, later when nobody has come for a while."""
        if not self.workers and not self.begun:
            raise ConvcostError(f"--scheduler {self.address}: it has no workers")
        waiting = any(worker.asked is not None for worker in self.workers.values())
        if now - self.able_at > SILENT or not (self.begun or waiting):
            why = "; ".join(f"{name}: {one.why}" for name, one in self.workers.items() if one.why) or "all are gone"
            raise ConvcostError(f"--scheduler {self.address}: none of its workers can compute: {why}; {KEPT}")

    def _ask(self, question: Any, *arguments: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(question(*arguments), self.client.loop.asyncio_loop)

    async def _fetch(self, future: Any) -> Any:
        return await future.result()

    async def _who(self) -> Any:
        """The threads of each worker by its address."""
        return await self.client.scheduler.ncores(workers=None)

    async def _probe(self, worker: str) -> Any:
        """The version of convcost that a worker has, or why it cannot compute.

        It is asked in Python's own words: what is ours may not be there.
        """
        text = f"__import__('convcost.designs.parts', fromlist=['ready']).ready({self.sweep.format!r})"
        try:
            said = await self.client.run(eval, text, workers=[worker], on_error="return")
        except Exception as error:  # noqa: BLE001  # whatever it is, it is why this worker cannot
            return error
        return said.get(worker, OSError("it is gone"))


def _meet(address: str, distributed: Any) -> None:
    """Raise ConvcostError unless a scheduler answers: a Dask client that fails to connect is long in going away."""
    from tornado.httpclient import HTTPClientError
    from tornado.websocket import WebSocketError

    async def kind() -> Any:
        security = distributed.Security().get_connection_args("client")
        async with distributed.rpc(address, timeout=CONNECT, connection_args=security) as there:
            return (await there.identity())["type"]

    try:
        found = asyncio.run(asyncio.wait_for(kind(), ANSWER))
    except MemoryError:  # Dask reads a size out of what another server says
        raise ConvcostError(f"--scheduler {address}: what answers there is no scheduler") from None
    except (OSError, ValueError, TypeError, RuntimeError, HTTPClientError, WebSocketError) as error:
        said = str(error) or f"what listens there has not said in {ANSWER} s that it is a scheduler"
        raise ConvcostError(f"--scheduler {address}: {said}") from None
    if found != "Scheduler":
        raise ConvcostError(f"--scheduler {address}: it is the address of a {found}, not of the scheduler")


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise MissingExtraError("distributed", "dask") from None
    return distributed


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Dask logs of a lost scheduler or worker: we say it ourselves, in one line."""
    loggers = [logging.getLogger(f"{name}") for name in ("distributed", "distributed.client", "tornado.application")]
    handlers = {handler for logger in loggers for handler in logger.handlers}
    for handler in handlers:
        handler.addFilter(_nothing)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(_nothing)


def _nothing(_record: logging.LogRecord) -> bool:
    return False
