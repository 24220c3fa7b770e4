"""Find the fixes of a text: each idea of the rules is tried, and those are kept that mend more than they break."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from engine.base.errors import OrchestraError
from engine.base.problem import Problem
from engine.copilot.fixes.records import Fix, Idea, Operation
from engine.copilot.fixes.seen import FixContext, SeenProblem
from engine.copilot.fixes.table import RULES, UNCOVERED

MOST = 20
"""The most fixes that are offered at once."""
SECONDS = 3.0
"""How long ideas are tried once the text is read; until the first one was, three times as long."""
_IDEAS = 8
"""The most that is tried for a problem."""
_MORE = "more"
"""The code of the compiler's last problem if there are more than it reports."""
_DEEPEST = 2
"""How often a change that uncovers another mistake is completed."""


class Tried(Struct, frozen=True):
    """What operations make of the text."""

    text: str
    problems: Sequence[Problem]
    ops: list[Operation] = field(default_factory=list)
    labels: Sequence[str] = ()
    """What the operations do."""


Try = Callable[[list[Operation]], Tried]
"""Applies operations to the text, and compiles it; raises OrchestraError if they cannot be applied."""
Read = Callable[[str], FixContext]
"""Returns a text of the workflow with what it may refer to. Raises OrchestraError."""


class Finding:
    """One search, which ends after a time."""

    def __init__(self, try_: Try, read: Read, clock: Callable[[], float] = time.monotonic) -> None:
        self._try, self._read, self._clock = try_, read, clock
        self._begin: float | None = None
        self._has_tried = False

    @property
    def is_late(self) -> bool:
        """Return whether the time is over."""
        spent = 0.0 if self._begin is None else self._clock() - self._begin
        return spent > (SECONDS if self._has_tried else 3 * SECONDS)

    def each(self, base: Tried) -> list[Fix]:
        """Return the fixes of a text, of errors first, each by itself."""
        found: list[Fix] = []
        offered: set[str] = set()
        for index, problem, ideas in self._ideas(base):
            for idea in ideas:
                asked = json.dumps(idea.ops, sort_keys=True)
                if asked in offered:
                    break
                made = self._completed(base, problem, idea, _DEEPEST)
                if made is not None:
                    offered.add(asked)
                    label = "; ".join(made.labels)
                    found.append(Fix(index, problem.code, problem.step or "", label, shortened(made.ops)))
                    break
            if len(found) >= MOST:
                break
        return found

    def together(self, base: Tried) -> Tried:
        """Return the text after all fixes that are certain, one after another."""
        now = base
        while len(now.labels) < MOST:
            found = next(self._next(now), None)
            if found is None:
                break
            now = found
        return replace(now, ops=shortened(now.ops))

    def _next(self, now: Tried) -> Iterator[Tried]:
        for _, problem, ideas in self._ideas(now):
            for idea in ideas:
                made = self._completed(now, problem, idea, _DEEPEST) if idea.is_certain else None
                if made is not None:
                    yield made

    def _ideas(self, now: Tried) -> Iterator[tuple[int, Problem, Iterator[Idea]]]:
        """Yield each problem that a rule knows, with its index, errors first, until the time is over."""
        numbered = sorted(enumerate(now.problems), key=lambda one: one[1].severity != "error")
        known = [one for one in numbered if one[1].code in RULES]
        try:
            around = self._read(now.text) if known and not self.is_late else None
        except OrchestraError:
            return
        if self._begin is None:
            self._begin = self._clock()
        for index, problem in known:
            if around is not None and not self.is_late:
                yield index, problem, islice(self._of(problem, around), _IDEAS)

    def _of(self, problem: Problem, around: FixContext) -> Iterator[Idea]:
        for idea in RULES[problem.code](SeenProblem.of(problem, around)):
            if self.is_late:
                return
            yield idea

    def _completed(self, now: Tried, problem: Problem, idea: Idea, deep: int) -> Tried | None:
        """Return what an idea makes of a text, with what it uncovers mended, too; None if it is no fix."""
        self._has_tried = True
        try:
            made = replace(self._try([*now.ops, *idea.ops]), labels=[*now.labels, idea.label])
        except OrchestraError:
            return None
        new = added(now.problems, made.problems, idea.ops)
        if not is_mended(problem, now.problems, made.problems, idea.ops):
            return None
        if not new:
            return made
        is_same = any((one.code, one.step) == (problem.code, problem.step) for one in new)
        if deep == 0 or len(new) > _DEEPEST or is_same:
            return None
        return self._without(now, made, new, [*idea.ops], deep)

    def _without(
        self, now: Tried, made: Tried, new: Sequence[Problem], ops: list[Operation], deep: int
    ) -> Tried | None:
        """Return a text without the problems that a change has uncovered, None if there is no rule for one."""
        for _, problem, ideas in self._ideas(made):
            if problem not in new:
                continue
            for idea in ideas:
                better = self._completed(made, problem, idea, deep - 1) if idea.is_certain else None
                if better is not None:
                    left = added(now.problems, better.problems, [*ops, *idea.ops])
                    if not left:
                        return better
                    if len(left) < len(new):
                        return self._without(now, better, left, [*ops, *idea.ops], deep - 1)
            return None
        return None


def added(before: Sequence[Problem], after: Sequence[Problem], ops: Sequence[Operation]) -> list[Problem]:
    """Return the problems that a text has and the text before it had not, except warnings of what was there before.

    If a text has more problems than the compiler reports, only those before the last reported one are compared.
    """
    left = Counter(_mark(one) for one in before)
    had_errors = any(one.severity == "error" for one in before)
    end = next(((one.line, one.column) for one in before if one.code == _MORE), None)
    new = []
    for one in after:
        mark = _mark(one, ops)
        left[mark] -= 1
        is_uncovered = had_errors and one.severity != "error" and one.code in UNCOVERED
        is_untold = end is not None and (one.code == _MORE or (one.line, one.column) >= end)
        if left[mark] < 0 and not is_uncovered and not is_untold:
            new.append(one)
    return new


def is_mended(problem: Problem, before: Sequence[Problem], after: Sequence[Problem], ops: Sequence[Operation]) -> bool:
    """Return whether a problem is there less often than before."""
    mark = _mark(problem)
    return sum(_mark(one, ops) == mark for one in after) < sum(_mark(one) == mark for one in before)


def shortened(ops: Sequence[Operation]) -> list[Operation]:
    """Return operations without those whose value a later one sets again."""
    kept: list[Operation] = []
    for index, one in enumerate(ops):
        later = ops[index + 1 :]
        is_set_again = one["op"] == "set" and any(
            other["op"] == "set" and (other.get("step"), other["field"]) == (one.get("step"), one["field"])
            for other in later
        )
        if not is_set_again or any(other["op"] != "set" for other in later):
            kept.append(one)
    return kept


def _mark(problem: Problem, ops: Sequence[Operation] = ()) -> tuple[Any, ...]:
    """Return what two problems share that are the same, wherever they stand; steps by the ids before the operations."""
    step, message = problem.step, problem.message
    for one in reversed(ops):
        if one["op"] == "rename":
            step = one["step"] if step == one["to"] else step
            message = message.replace(repr(one["to"]), repr(one["step"]))
    return problem.severity, problem.code, step, message
