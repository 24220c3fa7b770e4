"""Asks the questions by the product's own test of prompts: an answer that is recorded is not asked again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.base.statuses import AccountMode, RunStatus
from engine.budgets.prices import usd
from engine.connections.model_prices import model_prices
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.prompts.prompt import estimated_tokens, messages
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import Matrix, MatrixRequest
from engine.workspace.config import load
from evals.mail.judging import Outcome, outcome
from evals.mail.questions import Question, case_names

PERSON = Principal("evaluation", "owner", confirmed=True)
_ANSWER_TOKENS = 120
"""What an answer has, on average over the groups."""
_LOOK_SECONDS = 15.0

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Estimate:
    """What asking would cost, before it is asked."""

    questions: int
    """Those without a recorded answer."""
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """None if the price is not known."""


def answered(
    orchestra: Orchestra,
    asked: Sequence[Question],
    connections: Sequence[str],
    *,
    at_once: int,
    is_offline: bool,
    tell: Tell,
) -> Mapping[str, list[Outcome]]:
    """Ask every model what it has not been asked, and return what came of each question, by connection.

    `is_offline`: nothing is asked, and questions without a recorded answer are left out.
    """
    found: dict[str, list[Outcome]] = {one: [] for one in connections}
    names = case_names(asked)
    for prompt, some in _by_prompt(asked).items():
        wanted = MatrixRequest(_columns(connections), concurrency=at_once, is_offline=is_offline)
        matrix = _tested(orchestra, prompt, wanted, tell)
        for connection, column in zip(connections, matrix["columns"], strict=True):
            cells = [(one, column["cells"][names[one.id]][0]) for one in some]
            found[connection] += [outcome(one, cell) for one, cell in cells if cell["text"] or not is_offline]
    return found


def estimated(orchestra: Orchestra, root: Path, asked: Sequence[Question], connection: str, *, demo: bool) -> Estimate:
    """Return what the questions without a recorded answer would cost; nothing is asked."""
    count = tokens = 0
    names = case_names(asked)
    for prompt, some in _by_prompt(asked).items():
        matrix = _tested(orchestra, prompt, MatrixRequest(_columns([connection]), is_offline=True), None)
        column = matrix["columns"][0]
        missing = [one for one in some if column["cells"][names[one.id]][0]["text"] is None]
        schema = estimated_tokens(json.dumps(column["document"].get("output_schema") or {}))
        sent = (text["content"] for one in missing for text in messages(column["document"], one.variables))
        count, tokens = count + len(missing), tokens + schema * len(missing) + sum(map(estimated_tokens, sent))
    written = count * _ANSWER_TOKENS
    return Estimate(count, tokens, written, cost_of(root, connection, tokens, written, demo=demo))


def cost_of(root: Path, connection: str, read: int, written: int, *, demo: bool) -> float | None:
    """Return what so many tokens cost, in USD; None if the price is not known."""
    prices = model_prices(load(root), connection, AccountMode.DEMO if demo else AccountMode.MINE)
    cost = prices.prices.cost((prices.model,), read, written)
    return None if cost is None else usd(cost)


def _by_prompt(asked: Iterable[Question]) -> dict[str, list[Question]]:
    found: dict[str, list[Question]] = {}
    for one in asked:
        found.setdefault(one.prompt, []).append(one)
    return found


def _columns(connections: Sequence[str]) -> list[TriedColumn]:
    return [TriedColumn(is_draft=True, connection=one) for one in connections]


def _tested(orchestra: Orchestra, prompt: str, wanted: MatrixRequest, tell: Tell | None) -> Matrix:
    tests = orchestra.case_tests
    matrix = tests.start(PERSON, prompt, wanted)
    while matrix["status"] == RunStatus.RUNNING:
        matrix = tests.wait(PERSON, prompt, _LOOK_SECONDS, matrix["id"])
        if tell is not None:
            done = sum(len(column["cells"]) for column in matrix["columns"])
            tell(f"{prompt}: {done} of {len(matrix['cases']) * len(matrix['columns'])} answers")
    return matrix
