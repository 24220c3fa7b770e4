"""The figures of an evaluation: shares with their intervals, by kind, over several runs of each request."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from evals.copilot.judging import Verdict
from evals.copilot.requests import Kind, Request

_Z = 1.96
"""Of 95 %."""


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    right: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95 % (Wilson, 1927)."""
        if not self.of:
            return 0.0, 1.0
        share, n = self.right / self.of, self.of
        middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.right} of {self.of} ({low:.0%} to {high:.0%})"


@dataclass(frozen=True)
class Figures:
    """What came of some requests, each answered equally often."""

    at_once: Share
    """Answers that compile at the first try."""
    compiles: Share
    """After repair."""
    properties: Share
    demo: Share
    """Of the answers whose effects are judged: those whose effects are right."""
    passed: Share
    at_least_once: Share
    """pass@k: requests of which one answer passed."""
    always: Share
    """pass^k: requests of which every answer passed."""
    tokens: float
    """The median of an answer."""
    seconds: float


def figures(asked: Sequence[Request], verdicts: Mapping[str, Sequence[Verdict]]) -> Figures:
    """Return the figures of requests; `verdicts`: by the id of the request, one for each run."""
    all_ = [one for request in asked for one in verdicts[request.id]]
    judged = [one for request in asked if request.wanted.demo is not None for one in verdicts[request.id]]
    return Figures(
        at_once=_share(one.compiles_at_once for one in all_),
        compiles=_share(one.compiles for one in all_),
        properties=_share(one.compiles and not one.faults for one in all_),
        demo=_share(one.compiles and not one.demo_faults for one in judged),
        passed=_share(one.passed for one in all_),
        at_least_once=_share(any(one.passed for one in verdicts[request.id]) for request in asked),
        always=_share(all(one.passed for one in verdicts[request.id]) for request in asked),
        tokens=median([one.tokens for one in all_]) if all_ else 0,
        seconds=median([one.seconds for one in all_]) if all_ else 0,
    )


def table(asked: Sequence[Request], verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    """Return the figures by kind, and of all, as lines for people."""
    rows = [(str(kind), [one for one in asked if one.kind is kind]) for kind in Kind]
    return "\n".join(
        f"{name:<10}compiles {it.at_once}, after repair {it.compiles}; properties {it.properties}; "
        f"effects {it.demo}; right {it.passed}; pass@k {it.at_least_once}, pass^k {it.always}; "
        f"{it.tokens:,.0f} tokens, {it.seconds:.1f} s"
        for name, some in [*rows, ("all", list(asked))]
        if some
        for it in [figures(some, verdicts)]
    )


def _share(of: Iterable[bool]) -> Share:
    found = list(of)
    return Share(sum(found), len(found))
