"""What tuning a prompt asks for, and what it finds: how the cases go with each variant, and which one is better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec import Struct

from clients.wording import counted
from engine.base.statuses import RunStatus
from engine.budgets.limits import money
from engine.record.types.step import UsageRecord
from engine.runs.prompt_tries.matrix import CellAnswer, MatrixColumn, is_failed, is_passed, is_unsure, opinions_of


class TuneRequest(Struct, frozen=True):
    """The model that a prompt is tuned for."""

    model: str = ""
    """Empty: the prompt's, else the connection's."""
    connection: str = ""
    """Empty: the only one of a model."""


@dataclass(frozen=True)
class TuneCost:
    """How much a model is asked at most; recorded answers are not asked again."""

    questions: int
    cost_usd: float | None
    """An estimate; None if the price is not known."""

    @property
    def words(self) -> str:
        """Say it."""
        cost = "the price of the model is not known" if self.cost_usd is None else f"about {money(self.cost_usd)}"
        return f"At most {counted(self.questions, 'question')}, {cost}."


@dataclass(frozen=True, order=True)
class Score:
    """How some cases go: more that pass are better, then fewer that are wrong. Unsure is never as good as passed."""

    passed: int
    not_wrong: int
    """Those that pass or are unsure."""

    @classmethod
    def of(cls, column: MatrixColumn, cases: Sequence[str]) -> Score:
        """Return the score of a column; cases without answers are left out."""
        cells = [column["cells"].get(one, []) for one in cases]
        wrong = sum(is_failed(cell) and not is_unsure(cell) for cell in cells)
        return cls(sum(is_passed(cell, 1) for cell in cells), len(cells) - wrong)

    @property
    def unsure(self) -> int:
        """Those that are unsure."""
        return self.not_wrong - self.passed


@dataclass(frozen=True)
class TunedVariant:
    """How the cases go with a variant. Usage and time are for a case, on average, whenever it was asked."""

    title: str
    passed: int
    """Of the cases that the best variant is chosen by."""
    unsure: int
    """The model was unsure in these; the others are wrong."""
    tokens: float
    seconds: float
    cost_usd: float | None
    """None if the price is not known."""
    held_back_passed: int | None = None
    """Of the cases that are not used for choosing; None if they were not asked."""
    held_back_unsure: int | None = None

    @classmethod
    def of(cls, title: str, column: MatrixColumn, cases: Sequence[str], held_back: Score | None = None) -> TunedVariant:
        """Return the figures of a column about the cases that choose."""
        answers, score = [answer for one in cases for answer in column["cells"].get(one, [])], Score.of(column, cases)
        count = max(sum(one["usage"] is not None for one in answers), 1)
        used = [one for answer in answers for one in _used(answer)]
        costs = [one["cost_usd"] for one in used if one["cost_usd"] is not None]
        return cls(
            title=title,
            passed=score.passed,
            unsure=score.unsure,
            tokens=round(sum(one["input_tokens"] + one["output_tokens"] for one in used) / count),
            seconds=round(sum(one["seconds"] for one in answers) / count, 1),
            cost_usd=sum(costs) / count if len(costs) == len(used) else None,
            held_back_passed=None if held_back is None else held_back.passed,
            held_back_unsure=None if held_back is None else held_back.unsure,
        )

    @property
    def rank(self) -> tuple[int, int, float]:
        """Smaller is better: cases that pass, then those that are unsure rather than wrong, then tokens."""
        return -self.passed, -self.unsure, self.tokens

    def is_better_than(self, other: TunedVariant) -> bool:
        """Return whether the cases go better, whatever it costs."""
        return self.rank[:2] < other.rank[:2]


@dataclass(frozen=True)
class TuneReport:
    """What tuning has found."""

    prompt: str
    status: RunStatus
    """`running`: the time was over; asked again, it goes on with the answers recorded so far. `failed`: questions got
    no answer. `cancelled`, `interrupted`: the test was stopped."""
    model: str
    connection: str
    demo: bool
    cases: int
    """How many the best variant is chosen by."""
    held_back: int
    """How many are not used for choosing; 0 with few cases."""
    variants: list[TunedVariant]
    best: str
    """The title of the variant that is proposed; empty if none is better than the draft."""
    proposal: str
    """The id of its proposal."""
    words: str
    """All this in a sentence or two."""
    asked: int
    reused: int
    """How many answers were recorded before."""
    cost_usd: float | None
    """Of what was asked now."""


def share_words(passed: int, unsure: int, cases: int) -> str:
    """Return such as: 3 of 10 cases pass, unsure in 5, 2 wrong."""
    said = f"{passed} of {counted(cases, 'case')} pass"
    wrong = cases - passed - unsure
    return f"{said}, unsure in {unsure}, {wrong or 'none'} wrong" if unsure else said


def _used(answer: CellAnswer) -> Iterator[UsageRecord]:
    """Yield what an answer took, with the question how sure the model is, and those to judges."""
    if answer["usage"] is not None:
        yield answer["usage"]
    if "second" in answer:
        yield answer["second"]["usage"]
    yield from (one["usage"] for one in opinions_of([answer]))
