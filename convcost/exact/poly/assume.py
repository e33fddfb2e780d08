"""Questions whose answers depend on the symbols: decided by bounds, else assumed and written down.

The rules of operators ask whether sizes fit, and specs whether channels change. Within `assuming`, what a rule needs
and bounds do not settle becomes a requirement, and a choice that they do not settle is made by a script of answers, so
that a run can be repeated with the other answer (`explored`). Outside, nothing is written down: a
requirement counts as met, and a choice has no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from itertools import count
from typing import Any, NamedTuple

from convcost.errors import ConvcostError, UndecidedError
from convcost.exact import context
from convcost.exact.integers import Int, less, where
from convcost.exact.poly import bounds
from convcost.exact.poly.atoms import is_integral
from convcost.exact.poly.core import Poly, collect, denominator, symbol, terms_of

MAX_CASES = 64


class Condition(NamedTuple):
    """value > 0, or value == 0, or (weak) value >= 0."""

    value: Int
    equal: bool = False
    weak: bool = False

    @property
    def relation(self) -> str:
        """Of the value to 0, as in a program."""
        return "==" if self.equal else ">=" if self.weak else ">"

    def holds(self, value: Int) -> Any:
        """Whether it does where the value is this number; an array of that for an array."""
        return value == 0 if self.equal else value >= 0 if self.weak else value > 0

    def format(self, style: str = "text") -> str:
        """`a > b`, `a = b` or `a >= b`, with what is subtracted on the other side."""
        terms = terms_of(self.value).items()
        sides = (collect({}, [(m, sign * c) for m, c in terms if sign * c > 0]) for sign in (1, -1))
        relation = "=" if self.equal else r"\ge" if self.weak and style == "latex" else self.relation

        from convcost.exact.poly.text import format_poly

        return f" {relation} ".join(format_poly(side, style) for side in sides)


class Assumptions:
    """One run: the answers that it gives, and what it finds out that it has to assume."""

    def __init__(self, answers: Sequence[bool] = ()) -> None:
        self.required: dict[Condition, None] = {}
        """What has to hold for the run's result to be right, given its answers; in the order found."""
        self.limits: dict[Condition, None] = {}
        """Those that only this way of writing out a repeat needs: beyond one, the result may be another."""
        self.fits: dict[Condition, tuple[frozenset[Condition], ...]] = {}
        """The others: what does not meet one does not fit, wherever all of one of these sets holds: limits until then,
        and that the repeats that need it have a step which is not written out."""
        self.asked: list[Condition] = []
        """The choices in the order made."""
        self.answers = list(answers)
        """The answer to each; True beyond those given."""
        self.epoch = object()
        """A key of what is found out now: another in a step or an attempt, the old one after it or its failure."""
        self._facts: list[Int] = []  # known to be >= 0
        self._nonzero: set[Int] = set()
        self._indices: set[str] = set()  # of repeats: what is assumed has to be so in all their steps
        self._counts: set[str] = set()  # the symbols in the number of steps of the repeats being built
        self._inside: frozenset[Condition] = frozenset()  # that the repeats have a step which we are in one of
        self._inside_facts: tuple[Int, ...] = ()  # known to be >= 0 there

    def known(self, condition: Condition) -> bool | None:
        """Whether the condition holds, if that follows from bounds and the answers so far."""
        p, equal, weak = condition
        if equal:
            if self._at_least(p, 0) and self._at_least(-p, 0):
                return True
            return False if p in self._nonzero or self._above(p) or self._above(-p) else None
        if weak:
            return True if self._at_least(p, 0) else False if self._above(-p) else None
        if self._above(p):
            return True
        return False if self._at_least(-p, 0) else None

    def choose(self, condition: Condition) -> bool:
        """Whether the condition holds: known, or answered. Raises UndecidedError where no answer may be given.

        No spec asks a weak one: whether a >= b is asked as whether not b > a.
        """
        if (known := self.known(condition)) is not None:
            return known
        self._check(condition, self._indices | self._counts)
        self.asked.append(condition)
        if len(self.asked) > len(self.answers):
            self.answers.append(True)
        answer = self.answers[len(self.asked) - 1]
        p, equal, _ = condition
        if not equal:
            self._facts.append(p - is_integral(p) if answer else -p)
        elif answer:
            self._facts += [p, -p]
        else:
            self._nonzero |= {p, -p}
        return answer

    def require(self, condition: Condition) -> bool:
        """Whether the condition can hold; if that is not known, it becomes a requirement, or raises UndecidedError."""
        if not isinstance(condition.value, Poly):
            return bool(condition.holds(condition.value))
        if self._settled(condition):
            return True
        known = self.known(condition)
        if known is None:
            self._check(condition, self._indices)
            self.required[condition] = None
            place = self._inside.union(self.limits)
            if any(self._indices.intersection(other.value.symbols) for other in place):
                self.limits[condition] = None  # whether there is a step that needs it differs between those around it
            else:
                self.fits[condition] = (*self.fits.get(condition, ()), place)
        return known is not False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What is assumed inside is forgotten if it fails."""
        saved = {name: part if name == "epoch" else copy(part) for name, part in vars(self).items()}
        self.epoch = object()
        try:
            yield
        except ConvcostError:
            vars(self).update(saved)
            raise

    @contextmanager
    def repeating(self, steps: Poly, least: int) -> Iterator[None]:
        """Assume a repeat to have so many steps at least; no choice inside may depend on how many it has."""
        condition = Condition(steps - (least - 1))
        known = True if self._settled(condition) else self.known(condition)
        if known is False:
            raise UndecidedError(f"{steps} is below {least}")
        if known is None:
            self._check(condition, self._indices)
            self.required[condition] = self.limits[condition] = None
        outside = self._counts
        if condition in self.limits or not self._inside:
            self._facts.append(steps - least)
        else:  # perhaps known only of the step that we are in
            self._inside_facts = (*self._inside_facts, steps - least)
        self._counts = outside.union(steps.symbols)
        yield
        self._counts = outside

    def index(self, most: Int) -> Poly:
        """The index of a repeat, from 0 to `most`: a new symbol. It is known to be so inside `stepping`."""
        taken = self._indices.union(most.symbols if isinstance(most, Poly) else ())
        name = next(name for i in count(1) if (name := f"step{i}") not in taken)
        self._indices.add(name)
        return symbol(name, at_least=0)

    @contextmanager
    def stepping(self, index: str, steps: Int) -> Iterator[None]:
        """In a step of a repeat: what is required inside, is only where the repeat has a step at all."""
        outside = self._inside, self._inside_facts, self.epoch
        self.epoch = object()
        if self.known(condition := Condition(steps)) is not True:
            self._inside = self._inside.union((condition,))
        self._inside_facts = (*self._inside_facts, steps - 1 - symbol(index, at_least=0))
        try:
            yield
        finally:
            self._inside, self._inside_facts, self.epoch = outside

    def _settled(self, condition: Condition) -> bool:
        """Whether nothing more comes of requiring the condition: it is required already, wherever it is needed here."""
        place = self._inside.union(self.limits)
        return condition in self.limits or any(place >= other for other in self.fits.get(condition, ()))

    def _check(self, condition: Condition, held: set[str]) -> None:
        if held.intersection(condition.value.symbols):
            raise UndecidedError(f"whether {condition.format()} differs between the steps of a repeat")

    def _at_least(self, p: Int, bound: int) -> bool:
        return any(bounds.at_least(p - fact, bound) for fact in self._known_facts(p))

    def _above(self, p: Int) -> bool:
        return any(bounds.above(p - fact, 0) for fact in self._known_facts(p))

    def _known_facts(self, p: Int) -> Iterator[Int]:
        """What is known to be >= 0 here, and may help to say so of p."""
        yield 0
        yield from self._facts
        yield from self._inside_facts
        # Of what has an index, nothing can be required: it follows from what is required already, or is not known.
        if isinstance(p, Poly) and self._indices.intersection(p.symbols):
            for condition in self.required:
                if not condition.equal and self._settled(condition):
                    yield condition.value if condition.weak else condition.value - is_integral(condition.value)


@contextmanager
def assuming(assumptions: Assumptions) -> Iterator[Assumptions]:
    """Questions asked inside are put to these assumptions."""
    token = context.current.set(assumptions)
    try:
        yield assumptions
    finally:
        context.current.reset(token)


def explored(run: Callable[[], Int]) -> tuple[Int, dict[Condition, bool]]:
    """The value of run for all symbols, and what has to hold for it to be right.

    It is run once for each outcome of the choices that depend on the symbols. An outcome that fails is left out: it
    must not come about. With each condition stands whether what does not meet it may fit nevertheless, with another
    value. Raises the first error if every outcome fails, and ConvcostError for more than MAX_CASES.
    """
    cases = 0

    def under(answers: list[bool]) -> tuple[Int, dict[Condition, bool], ConvcostError | None]:
        nonlocal cases
        cases += 1
        failure = None
        value: Int = None
        with assuming(Assumptions(answers)) as assumptions:
            try:
                value = run()
            except ConvcostError as error:
                failure = error
        if max(cases, len(assumptions.asked) + 1) > MAX_CASES:  # each answer can be another
            raise ConvcostError(f"no closed form: more than {MAX_CASES} cases, by choices that depend on the symbols")
        required = {} if failure else {condition: condition in assumptions.limits for condition in assumptions.required}
        for i in reversed(range(len(answers), len(assumptions.asked))):
            condition = assumptions.asked[i]
            other, more, failed = under([*assumptions.answers[:i], False])
            # What fails has no closed form, or does not fit, and that may be for a step of a repeat that has none.
            if failure is None and failed is None:
                value = where(_indicator(condition), value, other)
                required = _both(required, more)
            elif failed is None:
                value, required, failure = other, _both(more, dict.fromkeys(_never(condition), True)), None
            elif failure is None:
                required = _both(required, {condition: True})
        return value, required, failure

    value, required, failure = under([])
    if failure is not None:
        raise failure
    return value, required


def _both(required: dict[Condition, bool], more: dict[Condition, bool]) -> dict[Condition, bool]:
    return {**required, **{condition: limit or required.get(condition, False) for condition, limit in more.items()}}


def _indicator(condition: Condition) -> Int:
    p, equal, _ = condition
    return 1 - less(0, p) - less(p, 0) if equal else less(0, p)


def _never(condition: Condition) -> list[Condition]:
    """The opposite, as conditions: not p > 0 says that 1 - p > 0 where p is an integer, else only that -p >= 0."""
    p, equal, _ = condition
    if equal:
        return [Condition(less(0, p) + less(p, 0))]
    p *= denominator(p)
    return [Condition(1 - p) if is_integral(p) else Condition(-p, weak=True)]


def current() -> Assumptions:
    """The assumptions in force. Raises ConvcostError outside `assuming`."""
    if (assumptions := _in_force()) is None:
        raise ConvcostError("a symbolic number of repeats needs a formula: see Network.formula")
    return assumptions


@contextmanager
def stepping(repeats: Iterable[tuple[str, Int]]) -> Iterator[None]:
    """See `Assumptions.stepping`: in a step of each of these repeats, from the outermost."""
    with ExitStack() as stack:
        if (assumptions := _in_force()) is not None:
            for index, steps in repeats:
                stack.enter_context(assumptions.stepping(index, steps))
        yield


def known(condition: Condition) -> bool | None:
    """See `Assumptions.known`."""
    return (_in_force() or Assumptions()).known(condition)


def require(condition: Condition) -> bool:
    """See `Assumptions.require`. Outside `assuming`, whether the condition is not known to be wrong."""
    return (_in_force() or Assumptions()).require(condition)


def require_known(condition: Condition) -> bool:
    """See `Assumptions.require`. Outside `assuming`, whether the condition is known to hold."""
    assumptions = _in_force()
    return Assumptions().known(condition) is True if assumptions is None else assumptions.require(condition)


def choose(condition: Condition) -> bool:
    """See `Assumptions.choose`. Raises TypeError outside `assuming` for what is not known."""
    assumptions = _in_force()
    if assumptions is not None:
        return assumptions.choose(condition)
    if (known := Assumptions().known(condition)) is None:
        raise TypeError(no_value(condition.value))
    return known


def _in_force() -> Assumptions | None:
    assumed = context.current.get()
    return assumed if isinstance(assumed, Assumptions) else None


def no_value(p: Poly) -> str:
    """Why a question about p has no answer, and what to ask instead."""
    return f"{p} has no value until its symbols have: for if, < and int(), use less, where and maximum of integers"
