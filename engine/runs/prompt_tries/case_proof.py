"""Prove by recorded answers alone that the cases of a prompt pass with a text: no model is asked."""

from __future__ import annotations

from engine.base.definitions import PromptDefinition
from engine.prompts.cases import Case, CaseStore
from engine.prompts.examples import Examples
from engine.prompts.protected import CaseProof
from engine.runs.prompt_tries.answers import RecordedAnswers, SharedAnswers
from engine.runs.prompt_tries.cells import Cells
from engine.runs.prompt_tries.judging import judges_of
from engine.runs.prompt_tries.questions import AskedColumn
from engine.runs.prompt_tries.try_requests import TryRequests


def case_proof(
    name: str, document: PromptDefinition, store: CaseStore, try_requests: TryRequests, cells: Cells
) -> CaseProof:
    """Return how the cases go; of several connections to models, the one with the fewest failures counts.

    Raises UnknownName, InvalidInput.
    """
    cases = store.list(name)
    answers = SharedAnswers(RecordedAnswers(store.folder(name)), is_fresh=False)
    found = [_with(one, document, cases, try_requests, cells, answers) for one in try_requests.connections()]
    return min(found, key=lambda one: len(one.failed), default=CaseProof(len(cases), [one.case for one in cases]))


def _with(
    connection: str,
    document: PromptDefinition,
    cases: list[Case],
    try_requests: TryRequests,
    cells: Cells,
    answers: SharedAnswers,
) -> CaseProof:
    by, judges = try_requests.model(connection, is_offline=True), judges_of(cases, try_requests, is_offline=True)
    asked = AskedColumn(document, None, by, examples=Examples(cases), judges=judges)
    failed = [one.case for one in cases if cells.answer(asked, one, 0, answers)["failures"]]
    return CaseProof(len(cases), failed, by.demo)
