"""What came of a question: which parts of the answer are right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.prompts.assertions import AnswerFacts
from engine.prompts.cases import CaseModel
from engine.runs.prompt_tries.matrix import CellAnswer
from evals.mail.questions import Part, Question

UNSURE = "unsure"
_NUMBER = re.compile(r"\d+(?:[.,'’ \u00a0\u202f]\d+)*")
_DIGITS = re.compile(r"\d+")
_SMALL = 12
_ITEM = re.compile(r"(?m)^\s*\d+[.)]\s")
"""The number of an item in a list says nothing."""


@dataclass(frozen=True)
class Outcome:
    """What came of a question; what a file keeps of it."""

    question: str
    group: str
    language: str
    kind: str
    trap: str
    right: bool
    unsure: bool
    """The model said, in an answer that fits, that it was unsure, and should have known."""
    answered: bool
    """Whether there was an answer that fits the prompt's schema."""
    said: str
    """The answer as text; of a mail: its kind."""
    faults: Sequence[str]
    """Why the answer is not right."""
    seconds: float
    cost_usd: float | None
    parts: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """How many of how many checks of each part are met."""
    digest: str = ""
    """Of the question as it was judged."""


def outcome(question: Question, cell: CellAnswer) -> Outcome:
    """Judge the answer to a question."""
    value = cell["value"] if isinstance(cell["value"], Mapping) else None
    answered = value is not None and not any(one["assertion"] == "answer" for one in cell["failures"])
    facts = AnswerFacts(text=cell["text"] or "", value=value or {})
    parts: dict[str, list[int]] = {}
    faults = [one["message"] for one in cell["failures"] if one["assertion"] in ("answer", "file")]
    right = answered
    for part, fault in _judged(question, facts):
        met = parts.setdefault(part, [0, 0])
        met[0] += answered and not fault
        met[1] += 1
        if fault and answered:
            faults.append(fault)
        right = right and (not fault or part not in question.decisive)
    kind = str((value or {}).get("kind", "")) if question.group.is_sorting else ""
    return Outcome(
        question.id,
        question.group,
        question.language,
        question.kind,
        question.trap,
        right,
        unsure=answered and kind == UNSURE and question.kind != UNSURE,
        answered=answered,
        said=kind or cell["text"] or "",
        faults=faults,
        seconds=cell["seconds"],
        cost_usd=cell["usage"]["cost_usd"] if cell["usage"] else None,
        parts=parts,
        digest=question.digest,
    )


def _judged(question: Question, facts: AnswerFacts) -> list[tuple[Part, str]]:
    """Return each check's part with why it is not met, empty if it is."""
    assertions = [check.assertion for check in question.checks]
    case = CaseModel.model_validate({"name": question.id, "assertions": assertions})
    found = [(check.part, one.fault(facts)) for check, one in zip(question.checks, case.assertions, strict=True)]
    if question.source:
        invented = invented_numbers("\n".join(_texts(facts.value)), question.source)
        found.append((Part.NUMBERS, f"Numbers that the text has not: {', '.join(invented)}." if invented else ""))
    return found


def _texts(value: Any) -> list[str]:
    return [one for one in value.values() if isinstance(one, str)] if isinstance(value, Mapping) else []


def invented_numbers(answer: str, source: str) -> list[str]:
    """Return the numbers of an answer that its source does not have, whatever their separators.

    Those up to 12 are not looked at: "three users" may become "3 users", and a month a number.
    """
    known, given = _plain(source), _plain(_ITEM.sub("", answer))
    joined = {_digits(one) for one in _NUMBER.findall(known)} | set(_DIGITS.findall(known))
    return [one for one in _NUMBER.findall(given) if _digits(one) not in joined and not _is_of(one, joined)]


def _is_of(number: str, known: Collection[str]) -> bool:
    return all(int(one) <= _SMALL or one in known for one in _DIGITS.findall(number))


def _digits(number: str) -> str:
    return "".join(_DIGITS.findall(number))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
