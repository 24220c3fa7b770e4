"""The case of a prompt that a correction saves, so that the same mistake is seen when the prompt is tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject, is_alike, is_same
from engine.base.names import usable_name
from engine.people.access import Principal, may
from engine.prompts.cases import Case, suggested
from engine.prompts.prompt_cases import PromptCases
from engine.record.types.run import Run
from engine.record.types.step import StepRecord
from engine.runs.prompt_tries.recorded import RecordedCalls, RecordedValues, prompt_of

_EQUALS = "field_equals"


@dataclass(frozen=True)
class SavedCase:
    """A case of a prompt."""

    prompt: str
    """Empty if the step uses none."""
    case: str
    """Its name; empty if it is not saved yet, or cannot be."""
    why_not: str
    """Why it is not saved; empty if nothing is in the way."""


class Lessons:
    """Saves the cases; one for the same variables, however often an answer is corrected."""

    def __init__(self, cases: PromptCases, recorded: RecordedCalls) -> None:
        self._cases, self._recorded = cases, recorded

    def preview(self, p: Principal, run: Run, step: StepRecord) -> SavedCase:
        """Return for which prompt a case would be saved, and the name of the case that it would change, if any."""
        prompt = (prompt_of(step) or "").partition("@")[0]
        why_not = _why_not(p, prompt)
        if why_not:
            return SavedCase(prompt, "", why_not)
        try:
            same = self._same(p, prompt, self._recorded.values(p, prompt, run["run_id"], step["path"]))
        except OrchestraError as error:
            return SavedCase(prompt, "", _said(error))
        return SavedCase(prompt, "" if same is None else same.case, "")

    def saved(
        self, p: Principal, run: Run, step: StepRecord, values: JsonObject, *, is_repeated: bool = False
    ) -> SavedCase:
        """Save the case, or change the expectations of the case with the same variables, unless that was done before.

        What is wrong with the prompt's files is returned as `why_not`: the rest of a correction does not need it.
        """
        known = self.preview(p, run, step)
        if known.why_not or (is_repeated and known.case):  # a case that there is may have been changed since
            return known
        try:
            return SavedCase(known.prompt, self._save(p, known.prompt, run, step, values).case, "")
        except OrchestraError as error:
            return SavedCase(known.prompt, "", _said(error))

    def _save(self, p: Principal, prompt: str, run: Run, step: StepRecord, values: JsonObject) -> Case:
        found = self._recorded.values(p, prompt, run["run_id"], step["path"])
        same = self._same(p, prompt, found)
        if same is None:
            taken = {one.case for one in self._cases.list(p, prompt)}
            answer = {**found.output, **values} if isinstance(found.output, Mapping) else {}
            case = suggested(found.title, found.variables, answer, found.checked_by)
            made = {**case, "assertions": _expected([], values)}
            return self._cases.add(p, prompt, made, _free(found.title, taken))
        assert same.document is not None
        before = list(same.document.get("assertions") or [])
        after = _expected(before, values)
        if is_same(before, after):
            return same
        return self._cases.save(p, prompt, same.case, {**same.document, "assertions": after}, same.etag)

    def _same(self, p: Principal, prompt: str, found: RecordedValues) -> Case | None:
        """Return the case with the variables of a call."""
        return next((one for one in self._cases.list(p, prompt) if _has(one, found.variables)), None)


def _said(error: OrchestraError) -> str:
    return f"{error.message} {error.remedy}".strip()


def _why_not(p: Principal, prompt: str) -> str:
    if not prompt:
        return "The step uses no prompt."
    return "" if may(p, "edit") else f"{p.id} may not change prompts."


def _has(case: Case, variables: JsonObject) -> bool:
    return case.document is not None and not case.problems and is_alike(case.document.get("variables"), variables)


def _expected(before: list[Any], values: JsonObject) -> list[Any]:
    """Return assertions that expect these values, in place of what was expected of the same fields."""
    others = [one for one in before if one.get("type") != _EQUALS or one.get("field") not in values]
    return [*others, *({"type": _EQUALS, "field": name, "value": value} for name, value in values.items())]


def _free(title: str, taken: set[str]) -> str:
    name = usable_name(title)[:58].rstrip("-_") or "case"  # of 64 letters, the rest is for the number
    return next(one for one in chain([name], (f"{name}-{number}" for number in count(2))) if one not in taken)
