"""The `comparisons` area: ask several models, or with several texts of a prompt, with the same values."""

from __future__ import annotations

import builtins
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from msgspec.structs import replace

from engine.base.clock import Clock
from engine.base.definitions import PromptDefinition
from engine.base.errors import InvalidInput, UnknownName
from engine.base.names import new_run_id
from engine.base.statuses import RunStatus
from engine.people.access import Principal
from engine.people.operation import operation
from engine.runs.prompt_tries.columns import TriedColumn, in_column
from engine.runs.prompt_tries.differing import AnswerDifferences, answer_differences
from engine.runs.prompt_tries.records import Try, TryColumn
from engine.runs.prompt_tries.try_requests import TryRequest, TryRequests, samples_of

if TYPE_CHECKING:
    from engine.runs.prompt_tries.tries import Tries

FEWEST_COLUMNS, MOST_COLUMNS = 2, 4


class Comparison(TypedDict):
    """The same values asked in several columns."""

    id: str
    prompt: str
    status: RunStatus
    """`running`, `succeeded` (every column has an answer without problems), else `failed`."""
    tries: list[Try]
    """One for each column."""
    differences: AnswerDifferences


class Comparisons:
    """Each column is a try, with its rights, consents, budgets, record and audit line; `Tries` checks the right."""

    def __init__(self, tries: Tries, try_requests: TryRequests, clock: Clock) -> None:
        self._tries, self._try_requests, self._clock = tries, try_requests, clock

    @operation("prompts.compare", "run", "compare prompts", "Compare prompts or models")
    def start(self, p: Principal, name: str, columns: Sequence[TriedColumn], values: TryRequest) -> Comparison:
        """Ask all columns, or none if one of them cannot be asked; `wait` returns the answers.

        `values`: its values, and the connection and model of columns that name none. A column gets the values of the
        variables that its text declares. Raises as `Tries.start`; the message names the column.
        """
        if not FEWEST_COLUMNS <= len(columns) <= MOST_COLUMNS:
            raise InvalidInput(
                f"A comparison has {FEWEST_COLUMNS} to {MOST_COLUMNS} columns, not {len(columns)}.",
                remedy="Add or leave out columns.",
            )
        places = _places(new_run_id(self._clock()), columns)
        try_requests = [replace(values.asked_in(one), column=place) for one, place in zip(columns, places, strict=True)]
        documents = [self._document(name, number, one) for number, one in enumerate(columns, 1)]
        given = _values(name, documents, values)
        try_requests = [_narrowed(one, document, given) for one, document in zip(try_requests, documents, strict=True)]
        return _comparison(self._tries.start_all(p, name, try_requests))

    def get(self, p: Principal, name: str, comparison_id: str) -> Comparison:
        """Return a comparison. Raises UnknownName once a column of it is no longer kept."""
        found = next((one for one in self.list(p, name) if one["id"] == comparison_id), None)
        if found is None:
            remedy = "Only comparisons whose columns are among the last 20 tries are kept."
            raise UnknownName(f"comparison of the prompt {name}", comparison_id, remedy=remedy)
        return found

    def list(self, p: Principal, name: str) -> builtins.list[Comparison]:
        """Return the comparisons whose columns are all among the last 20 tries, newest first."""
        by_id: dict[str, builtins.list[Try]] = {}
        for one in self._tries.list(p, name):
            if one["column"] is not None:
                by_id.setdefault(one["column"]["comparison"], []).append(one)
        whole = [by_id[one] for one in sorted(by_id, reverse=True) if len(by_id[one]) == _count(by_id[one])]
        return [_comparison(one) for one in whole]

    def wait(self, p: Principal, name: str, comparison_id: str, seconds: float | None = None) -> Comparison:
        """Wait for the answers to all columns, or until the time is over. Raises UnknownName."""
        end = None if seconds is None else time.monotonic() + seconds
        for one in self.get(p, name, comparison_id)["tries"]:
            self._tries.wait(p, name, one["id"], None if end is None else max(end - time.monotonic(), 0.0))
        return self.get(p, name, comparison_id)

    @operation("prompts.cancel_comparison", "run", "stop tries", "Stop a comparison of a prompt")
    def cancel(self, p: Principal, name: str, comparison_id: str) -> Comparison:
        """Stop waiting for the answers that are missing. Raises UnknownName, InUse."""
        for one in self.get(p, name, comparison_id)["tries"]:
            self._tries.cancel(p, name, one["id"])
        return self.get(p, name, comparison_id)

    def _document(self, name: str, number: int, column: TriedColumn) -> PromptDefinition:
        with in_column(number, column.title):
            return self._try_requests.document(name, column)[0]


def _places(comparison_id: str, columns: Sequence[TriedColumn]) -> list[TryColumn]:
    return [
        {"comparison": comparison_id, "number": at + 1, "count": len(columns), "title": one.title}
        for at, one in enumerate(columns)
    ]


def _count(tries: Sequence[Try]) -> int:
    column = tries[0]["column"]
    return 0 if column is None else column["count"]


def _comparison(tries: Sequence[Try]) -> Comparison:
    """Return the comparison that has exactly these columns, given in any order."""
    numbered = {one["column"]["number"]: one for one in tries if one["column"] is not None}
    ordered = [numbered[number] for number in sorted(numbered)]
    column = ordered[0]["column"]
    assert column is not None
    return {
        "id": column["comparison"],
        "prompt": ordered[0]["prompt"],
        "status": _status(ordered),
        "tries": ordered,
        "differences": answer_differences(ordered),
    }


def _status(tries: Sequence[Try]) -> RunStatus:
    if any(one["status"] == RunStatus.RUNNING for one in tries):
        return RunStatus.RUNNING
    answers = [one["answer"] for one in tries]
    is_good = all(one is not None and not one["problems"] for one in answers)
    return RunStatus.SUCCEEDED if is_good else RunStatus.FAILED


def _values(name: str, documents: Sequence[PromptDefinition], values: TryRequest) -> dict[str, Any]:
    """Return the given values and, for the rest, the sample's, from the first text that has the sample.

    Raises UnknownName, and InvalidInput for a value of a variable that no text declares.
    """
    declared = {one: None for document in documents for one in document.get("variables", {})}
    unknown = [one for one in values.variables if one not in declared]
    if unknown:
        remedy = f"They have: {', '.join(declared) or 'none'}."
        raise InvalidInput(f"No text of the prompt {name} has a variable {unknown[0]!r}.", remedy=remedy)
    if not values.sample:
        return dict(values.variables)
    samples = [samples_of(document) for document in documents]
    found = next((one[values.sample] for one in samples if values.sample in one), None)
    if found is None:
        raise UnknownName("sample", values.sample, list({one: None for known in samples for one in known}))
    return {**found, **values.variables}


def _narrowed(wanted: TryRequest, document: PromptDefinition, given: Mapping[str, Any]) -> TryRequest:
    """Return the request of a column with the values that its text has variables for.

    The text may have a sample of that name with other values, or none: then the values are given, not the sample.
    """
    declared = document.get("variables", {})
    variables = {one: value for one, value in given.items() if one in declared}
    own = samples_of(document).get(wanted.sample)
    is_same = own is not None and all(one in variables for one in own)
    return replace(wanted, variables=variables, sample=wanted.sample if is_same else "")
