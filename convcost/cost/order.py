"""The order of execution that holds least in memory: proved where the search ends, else the best found and a bound.

Any order that runs a layer after all that it takes gives the same network. Which tensors are alive depends only on what
has run, so the search is over sets of layers, those of the least peak first. A layer that holds no more after it than
before it, and while it runs no more than was held already, is run at once: no order is better for waiting.
"""

from __future__ import annotations

from dataclasses import replace
from heapq import heappop, heappush
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.graph import Graph
from convcost.cost.memory import INPUT, homes_of, peak, size_of
from convcost.errors import ConvcostError

MAX_SETS = 4_000
"""Of layers, that a search looks at."""


class Order(NamedTuple):
    """An order of execution, and what it holds at most."""

    cost: Cost
    """Of the network in this order."""
    peak: int
    """Elements, of the whole batch."""
    bound: int
    """What no order holds less than."""

    @property
    def proved(self) -> bool:
        """Whether no order holds less."""
        return self.peak == self.bound


def best_order(cost: Cost, sets: int = MAX_SETS) -> Order:
    """The best order that a search of so many sets finds, or else the given one with a bound.

    Raises ConvcostError for a network of symbols, whose sizes nobody can compare.
    """
    return _Search(cost).best(sets)


def reordered(graph: Graph, order: list[int]) -> Graph:
    """The graph with its nodes, counted from 0, in another order, each behind all that it takes."""
    place = {0: 0, **{old + 1: new + 1 for new, old in enumerate(order)}}
    nodes = tuple(
        node._replace(
            inputs=tuple(place[i] for i in node.inputs),
            shares=None if node.shares is None else place[node.shares + 1] - 1,
        )
        for node in (graph.nodes[old] for old in order)
    )
    return replace(graph, nodes=nodes, outputs=tuple(place[i] for i in graph.outputs))


class _Search:
    """What runs after what, and what each layer writes and frees: sets of layers are bits of an int."""

    def __init__(self, cost: Cost) -> None:
        self.cost = cost
        homes, _ = homes_of(cost)
        sizes = {home: size_of(cost, home) for home in {*homes.values()}}
        if not all(isinstance(size, int) for size in sizes.values()):
            raise ConvcostError(f"{cost.graph.name}: only sizes that are numbers have a best order")
        self.nodes = [n for n in homes if n != INPUT]
        self.auxiliary = [n for n, node in enumerate(cost.graph.nodes, 1) if node.aux]
        self.all = sum(1 << n for n in self.nodes)
        self.after: dict[int, int] = {}
        """Of a node, what must have run."""
        self.uses: dict[int, list[int]] = {}
        """Of a node, the memories that it needs."""
        self.writes = {n: sizes[n] if homes[n] == n else 0 for n in self.nodes}
        self.users = dict.fromkeys(sizes, 0)
        """Of a memory, the nodes that need it."""
        for n in self.nodes:
            node = cost.graph.nodes[n - 1]
            before = {i for i in node.inputs if i != INPUT} | ({node.shares + 1} if node.shares is not None else set())
            self.after[n] = sum(1 << i for i in before)
            self.uses[n] = [*{homes[n], *(homes[i] for i in node.inputs)}]
            for home in self.uses[n]:
                self.users[home] |= 1 << n
        self.kept = {homes[i] for i in cost.graph.outputs}
        self.sizes = sizes
        self.first = self.sizes[INPUT]

    def run(self, done: int, alive: int, n: int) -> tuple[int, int, int]:
        """The set with this node, what is alive while it runs, and what is after it."""
        now = done | 1 << n
        while_ = alive + self.writes[n]
        freed = sum(self.sizes[home] for home in self.uses[n] if home not in self.kept and not self.users[home] & ~now)
        return now, while_, while_ - freed

    def best(self, sets: int) -> Order:
        """See `best_order`."""
        given = peak(self.cost)
        local = max((self.least(n) for n in self.nodes), default=0)
        came: dict[int, tuple[int, int]] = {0: (0, 0)}
        """Of a set, the one before it and the node that was run last."""
        heap = [(max(self.first, local), 0, self.first)]
        keys = {0: self.first}
        closed: set[int] = set()
        bound = heap[0][0]
        while heap:
            bound, done, alive = heappop(heap)
            if bound >= given:
                return Order(self.cost, given, given)  # nothing is better than what there is
            if done in closed:
                continue
            closed.add(done)
            if done == self.all:
                return self.found(came, done, bound)
            if len(closed) > sets:
                break
            ready = [n for n in self.nodes if not done >> n & 1 and not self.after[n] & ~done]
            steps = [(n, *self.run(done, alive, n)) for n in ready]
            free = next((step for step in steps if step[2] <= bound and step[3] <= alive), None)
            for n, now, while_, then in steps if free is None else [free]:
                if now not in closed:
                    key = max(bound, while_)
                    if now not in keys or key < keys[now]:
                        came[now] = done, n
                        keys[now] = key
                        heappush(heap, (key, now, then))
        return Order(self.cost, given, bound)

    def least(self, n: int) -> int:
        """What is alive at least while a node runs: what it takes and makes, and the outputs that have to stay."""
        return sum(self.sizes[home] for home in self.uses[n])

    def found(self, came: dict[int, tuple[int, int]], done: int, most: int) -> Order:
        """The order by which the search came here."""
        order: list[int] = []
        while done:
            done, n = came[done]
            order.append(n - 1)
        order = [*reversed(order), *(n - 1 for n in self.auxiliary)]
        cost = Cost(reordered(self.cost.graph, order), self.cost.input, self.cost.batch)
        return Order(cost, most, most)
