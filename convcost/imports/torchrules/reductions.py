"""Means, sums and extremes of torch over axes, and its recurrent layers, as operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from convcost import ops
from convcost.imports.torchrules.common import RULES, agreed, require, rule
from convcost.imports.tracing import NoRuleError, Rule, Tracer
from convcost.ops import Op, Work


def _reduction(name: str, op: Callable[[Any, bool], Op] | None, work: Callable[[int, int], Work]) -> Rule:
    def reduction(
        t: Tracer, out: Any, x: Tensor, dim: Any = None, keepdim: bool = False, *rest: Any, **named: Any
    ) -> None:
        if isinstance(dim, Tensor) or named.keys() - {"dtype", "axis"}:
            raise NoRuleError
        dims = (dim,) if isinstance(dim, int) else dim
        first, *others = (out,) if isinstance(out, Tensor) else out
        n, m = t.each(x.numel()), t.each(first.numel())
        try:
            if op is None or not dims:
                raise NoRuleError  # noqa: TRY301  # as what follows does
            t.emit(op(agreed([t.dim(x, d) for d in dims]), bool(keepdim)), [x], first)
        except NoRuleError:
            t.sample(first)
            t.traced(name, [x], first, work(n, m))
        for other in others:  # where the maximum is
            t.traced(name, [first], other)

    return reduction


RULES["mean"] = _reduction("mean", ops.Mean, lambda n, m: Work(adds=n - m, divs=m))
RULES["sum"] = _reduction("sum", ops.Sum, lambda n, m: Work(adds=n - m))
RULES["amax"] = _reduction("amax", ops.Amax, lambda n, m: Work(compares=n - m))
_squared = _reduction("norm", None, lambda n, m: Work(muls=n, adds=n - m, exps=m))


@rule("norm", "vector_norm", "linalg_vector_norm")
def _norm(
    t: Tracer, out: Tensor, x: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False, *_: Any, **__: Any
) -> None:
    require(p in (2, None, "fro"))
    _squared(t, out, x, dim, keepdim)


for _name in ("amin", "max", "min", "argmax", "argmin"):
    RULES[_name] = _reduction(_name, None, lambda n, m: Work(compares=n - m))


@rule("var", "std")
def _variance(t: Tracer, out: Tensor, x: Tensor, *_: Any, **__: Any) -> None:
    """Of each group of n: n - 1 adds and a division for the mean, n differences, n squares, and as much for theirs."""
    n, m = t.each(x.numel()), t.each(out.numel())
    t.sample(out)
    t.traced("var", [x], out, Work(adds=3 * n - 2 * m, muls=n, divs=2 * m))


def _recurrent(name: str, kind: type[ops.LSTM | ops.GRU]) -> Rule:
    """torch.nn.LSTM or GRU; of other axes than tokens and features, or of states given, a row of torch's own."""

    def recurrent(
        t: Tracer,
        out: Sequence[Tensor],
        x: Tensor,
        hx: Any,
        weights: Any,
        bias: bool = False,
        layers: int = 1,
        dropout: float = 0,
        train: bool = False,
        both: bool = False,
        *_: Any,
    ) -> None:
        require(isinstance(weights, list | tuple) and not t.alive(*weights))
        states = t.alive(*hx) if isinstance(hx, list | tuple) else t.alive(hx)
        matrices, biases = [w for w in weights if w.dim() == 2], [w for w in weights if w.dim() == 1]
        used = {"weights": matrices, "biases": biases}
        first, *last = out
        if not states and len(t.sample(x)) == 2 and len(matrices) == 2 * layers * (1 + both):  # no projections
            t.emit(kind(matrices[1].shape[1], layers, bias, both), [x], first, used)
        else:
            positions = t.each(x.numel()) // x.shape[-1]
            cells = sum(int(w.shape[0]) for w in matrices if w.shape[0] == kind.gates * w.shape[1]) // kind.gates
            done = kind.each.times(positions * cells)._replace(macs=positions * sum(w.numel() for w in matrices))
            done = done._replace(adds=done.adds + positions * sum(w.numel() for w in biases))
            t.traced(name, [x, *states], first, done, used=used)
        for state in last:
            t.traced(name, [first], state, used={})

    return recurrent


RULES["lstm"], RULES["gru"] = _recurrent("lstm", ops.LSTM), _recurrent("gru", ops.GRU)
