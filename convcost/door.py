"""The commands as functions: what each computes, as exact values instead of a table.

Each takes a network by its name or as `load` gives it, and axes, limits and claims as the command line does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convcost.errors import ConvcostError
from convcost.network import Network, every_variant, load

if TYPE_CHECKING:
    from convcost.auditing.reconcile import Reconciled
    from convcost.cost.cost import Cost
    from convcost.cost.memory import Moment
    from convcost.designs.run import Summary
    from convcost.designs.solve import Solution
    from convcost.designs.space import Space
    from convcost.exact.integers import Int
    from convcost.formulas.formula import Formula
    from convcost.ops import Shape


def networks() -> list[str]:
    """Names of all shipped networks in all their variants, each of which `load` takes."""
    from convcost.spec.catalog import shipped, shipped_files

    return [network.name for path in shipped_files() for network in every_variant(shipped(path))]


def tables() -> list[str]:
    """Names of the shipped tables, each of which `audit` takes."""
    from convcost.published.tables import table_names

    return table_names()


def dialects(cost: Cost) -> dict[str, Int]:
    """The count of a whole cost by every rule: what each tool reports, and the rules that papers print.

    `convcost.counters.tools` says of each tool which release was read. Auxiliary heads are left out.
    """
    from convcost.counters.tools import NAMES

    return {name: cost.total(as_=name) for name in NAMES}


def memory(cost: Cost, *, in_place: bool = False) -> list[Moment]:
    """What is alive at every layer of inference, in elements of the whole batch; `peak_memory` is the most, in bytes.

    `in_place` lets activations write over their input. Raises ConvcostError where symbols leave it no closed form.
    """
    from convcost.cost.memory import moments

    return moments(cost, in_place=in_place)


def formula(
    network: Network | str | PathLike[str],
    /,
    quantity: str = "macs",
    symbols: Sequence[str] | None = None,
    *,
    input: Shape | str | None = None,
    batch: Int = 1,
    **knobs: Any,
) -> Formula:
    """The exact closed form of a quantity of a network: `formula("googlenet", "macs", ["H", "W"])`.

    Arguments and errors are those of `Network.formula`.
    """
    return _network(network).formula(quantity, symbols, input=input, batch=batch, **knobs)


def reconcile(
    *claims: str,
    network: Network | str | None = None,
    params: str | None = None,
    macs: str | None = None,
    peak_memory: str | None = None,
    each: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> Reconciled:
    """Everything that makes claimed numbers true at once: `reconcile("3.8 GFLOPs", network="resnet50")`.

    A claim is a number as it is printed, with its unit; `params` and `macs` say what a number without one counts. A
    single text may be a sentence: "Our ResNet-50 has 590M FLOPs at 160x160", "The first layer of ResNet-50 has 9,408
    parameters". `peak_memory` is at work, by any rule of memory; in a sentence, that of "SRAM" or "peak memory".
    Without a network every shipped one is searched; `each` goes through their names, and can show how far it is.

    A sentence may compare two: "SqueezeNet has 50x fewer parameters than AlexNet".

    Raises ConvcostError for a text that is no such number, a quantity or a network that is said twice, and where
    nothing is claimed.
    """
    from convcost.auditing.ratios import Against
    from convcost.auditing.reconcile import claimed
    from convcost.auditing.reconcile import reconcile as search
    from convcost.printed.numbers import Printed, parse
    from convcost.published.sentences import is_sentence, read_sentence

    sentence = None
    if len(claims) == 1 and is_sentence(claims[0]):
        sentence = read_sentence(claims[0])
        if sentence.network and network is not None:
            raise ConvcostError(f"the text names {sentence.network}, and network= one more: say one of them")
        network = network or sentence.network or None
    found: dict[str, Printed] = {}
    said = (params, "params"), (macs, "ops"), (peak_memory, "memory")
    for text, quantity in (*((text, "") for text in (sentence.claims if sentence else claims)), *said):
        if text is not None:
            of, printed = claimed(text, quantity)
            of = "memory" if of == "bytes" and sentence and sentence.memory else of
            if of in found:
                raise ConvcostError(f"{text!r}: {of} are claimed twice")
            found[of] = printed
    about = None if network is None else _network(network)
    if sentence is None:
        return search(found, about, each)
    against = None
    if sentence.against:
        if found or len({one.quantity for one in sentence.ratios}) < len(sentence.ratios):
            raise ConvcostError(f"{claims[0][:60]!r} compares two networks: claim one thing at a time")
        found = {one.quantity: parse(one.text) for one in sentence.ratios}
        against = Against(_network(sentence.against), frozenset(one.quantity for one in sentence.ratios if one.less))
    return search(found, about, each, sentence.part, against)._replace(unread=sentence.unread)


def sweep(
    network: Network | str | Sequence[Network | str],
    out: str | PathLike[str],
    *,
    over: Sequence[str],
    let: Sequence[str] = (),
    where: Sequence[str] = (),
    sample: int | None = None,
    seed: int = 0,
    workers: int = 1,
) -> Summary:
    """A file of every design of a space with its exact costs, and how many there are.

    `sweep("mobilenet_v2", "designs.csv", over=["width=0.25:2:0.05", "H=96:320:32"])`; the name's ending says the
    format, and a sweep that was stopped goes on when it is called again. Several networks share a space and a file.
    Raises ConvcostError for a name, value or condition that does not fit and for a file of another sweep, and OSError
    where it cannot be written.
    """
    from convcost.designs import engines
    from convcost.designs.run import plan_several, run

    several = [network] if isinstance(network, (Network, str)) else network
    found, path = [*map(_network, several)], Path(out)
    if not found:
        raise ConvcostError("a sweep is of a network, or several")
    planned = plan_several(found, _space(found[0], over, let), where=where, sample=sample, seed=seed, out=path)
    return run(planned, path, engines.processes(workers) if workers > 1 else engines.serial)


def solve(
    network: Network | str,
    *,
    max: Mapping[str, int | str],
    over: Sequence[str],
    let: Sequence[str] = (),
    maximize: str | None = None,
    top: int = 10,
) -> list[Solution]:
    """The designs that use a budget best, exactly, by branch and bound.

    `solve("mobilenet_v1", max={"macs": "300M"}, over=["width=0.05:2:0.05", "H=32:448:32"], maximize="H*width")` gives
    the `top` designs from the largest value of the expression down; without `maximize`, all of which no axis can grow
    alone. A limit is an int or a text such as "300M", of params, macs, activations or peak_memory (bytes in float32);
    an axis without values has a default range. Raises ConvcostError for a name, limit or value that does not fit, and
    where the search grows too large.
    """
    from convcost.designs.budget import limits_of
    from convcost.designs.run import check
    from convcost.designs.solve import Problem

    found = _network(network)
    space = _space(found, over, let)
    check(found, space)
    problem = Problem(found, space, limits_of(f"{name}={limit}" for name, limit in max.items()))
    return problem.frontier() if maximize is None else list(islice(problem.best(maximize), top))


def _network(network: Network | str | PathLike[str]) -> Network:
    return network if isinstance(network, Network) else load(network)


def _space(network: Network, over: Sequence[str], let: Sequence[str]) -> Space:
    from convcost.designs.solve import axis_of
    from convcost.designs.space import parse_derived, space_of

    axes = [over] if isinstance(over, str) else over
    return space_of([axis_of(network, axis) for axis in axes], [parse_derived(text) for text in let])
