"""A text that is proposed for a prompt, and how the prompt's cases go with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import Struct, field

from engine.base.json_text import JsonObject
from engine.base.problem import Problem
from engine.copilot.keeping.lists import RecordFormat
from engine.copilot.proposals.records import MOST, MOST_CHARACTERS, Status, Tick


@dataclass(frozen=True)
class CaseOutcome:
    """What came of a case, in a few words such as "passed" or "FAILED, worse"."""

    case: str
    title: str
    before: str
    after: str


@dataclass(frozen=True)
class CaseReport:
    """How the cases of a prompt go with the draft and with the proposed one."""

    test_id: str
    """The test on the Cases tab, with the answers."""
    status: str
    """`succeeded`: no case is worse; else `failed`, `cancelled` or `interrupted`."""
    passed_before: int
    passed_after: int
    cases: list[CaseOutcome]
    worse: list[str]
    """The cases that pass with the draft and fail with the proposed one."""
    demo: bool
    """Whether the demo's stand-in has answered."""
    cost_usd: float | None
    """The cost of what was asked now; None if a price is not known."""
    unsure_before: int = 0
    """Cases that have not passed, as the model was unsure: the others that have not passed are wrong."""
    unsure_after: int = 0


@dataclass(frozen=True)
class PromptProposal:
    """A text for a prompt. `why` may be the words of a model: text from outside."""

    id: str
    prompt: str
    at: str
    base_etag: str
    """The etag of the draft that it was made for."""
    changes: dict[str, Any]
    """The members of the prompt that are replaced: `messages`, `variables`, `output_schema`."""
    text: str
    """The whole proposed text."""
    why: str
    problems: list[Problem]
    is_acceptable: bool
    """Whether a version could be saved of the text."""
    sentences: list[str]
    diff: str
    """Unified, of the text."""
    ticks: list[Tick]
    from_outside: bool
    """Whether text from outside was in the conversation."""
    report: CaseReport | None = None
    not_tested: str = ""
    """Why the cases have not been asked, with the remedy."""
    status: Status = "open"
    version: int | None = None
    """Once it is accepted: the version that has the text from before; None if that text had errors."""


def prompt_proposal_of(kept: JsonObject) -> PromptProposal:
    """Return a stored proposal."""
    report = kept["report"]
    return PromptProposal(
        **{
            **kept,
            "problems": [Problem(**one) for one in kept["problems"]],
            "ticks": [Tick(**one) for one in kept["ticks"]],
            "report": _report(report) if report is not None else None,
        }
    )


def _report(kept: JsonObject) -> CaseReport:
    return CaseReport(**{**kept, "cases": [CaseOutcome(**one) for one in kept["cases"]]})


FOR_PROMPTS = RecordFormat(
    "copilot_prompt_proposals.", "proposal", prompt_proposal_of, MOST, MOST_CHARACTERS, member="prompt"
)


class Testing(Struct, frozen=True):
    """The model that answers the cases."""

    __test__ = False  # it is not a test of pytest

    connection: str = ""
    """Empty: the only one of a model."""
    is_wanted: bool = True
    """Whether the cases are asked as soon as a text is proposed."""


class PromptAbout(Struct, frozen=True):
    """What a question about a prompt may use."""

    cases: list[str] = field(default_factory=list)
    """The cases whose values and expectations may be sent to the model."""
    testing: Testing = Testing()


def errors_of(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems for which no version can be saved of a text."""
    return [one for one in problems if one.severity == "error" and one.code != "missing_version"]
