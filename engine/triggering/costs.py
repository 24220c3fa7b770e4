"""What runs for new things will cost: from what such runs have cost, else from the length of the things."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.compiler.plan import Plan
from engine.errors import InvalidFile
from engine.expressions.expressions import compact_json
from engine.prompts.prices import price_usd
from engine.runs.run_log import RunLogs
from engine.store.database import Database
from engine.store.run_rows import is_on_its_own
from engine.store.tables import runs
from engine.triggering.status import CostEstimate

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUNS = 20
_CENT = 0.01
_CHARACTERS_A_TOKEN = 4
_ANSWER_TOKENS = 300
_PROMPT_TOKENS = 400
"""What a model step sends beside the thing itself, and what comes back: for a guess, where nothing has run yet."""

ModelOf = Callable[[str], tuple[str, str]]
"""Gives (model, address of the server) of a model connection."""


class Costs:
    """Estimates; any thread, asks no service."""

    def __init__(self, database: Database, logs: RunLogs, model_of: ModelOf) -> None:
        self._database, self._logs, self._model_of = database, logs, model_of

    def estimate(self, plan: Plan, count: int, inputs: Sequence[Mapping[str, Any]]) -> CostEstimate | None:
        """Return what `count` runs will cost, None where no model is asked. `inputs`: those of some."""
        calls = [node.action for node in plan.nodes() if node.action and node.action.step_type.service == "openai"]
        if not calls:
            return None
        spent = list(self._spent(plan.name))
        if spent:
            known = [one for one in spent if one is not None]
            each = sum(known) / len(known) if len(known) == len(spent) else None
            return _estimate(each, count, f"the last {len(spent)} runs" if len(spent) > 1 else "the last run")
        connections = [str(action.connection) for action in calls]
        return _estimate(self._guessed(connections, inputs), count, "the length of these items")

    def _spent(self, workflow: str) -> Iterator[float | None]:
        """Give what the newest runs that triggers have started cost; None where a price is not known."""
        newest = (
            select(runs.c.run_id)
            .where((runs.c.workflow == workflow) & (runs.c.status == "succeeded"))
            .where(runs.c.started_by.startswith("trigger:") & is_on_its_own())
            .order_by(runs.c.run_id.desc())
            .limit(_RUNS)
        )
        with self._database.reading() as connection:
            run_ids = connection.execute(newest).scalars().all()
        for run_id in run_ids:
            try:
                run = self._logs.read(run_id)
            except InvalidFile:  # one damaged log keeps no trigger from being turned on
                continue
            if run is not None:
                cost = run["usage"]["cost_usd"]
                yield None if cost is None else float(cost)

    def _guessed(self, connections: Sequence[str], inputs: Sequence[Mapping[str, Any]]) -> float | None:
        if not inputs:
            return None
        characters = sum(len(compact_json(dict(one))) for one in inputs) / len(inputs)
        tokens = {
            "input_tokens": round(characters / _CHARACTERS_A_TOKEN) + _PROMPT_TOKENS,
            "output_tokens": _ANSWER_TOKENS,
        }
        found = [price_usd(*self._model_of(name), tokens) for name in connections]
        return None if None in found else sum(one for one in found if one is not None)


def _estimate(each: float | None, count: int, based_on: str) -> CostEstimate:
    if each is None:
        return CostEstimate(None, None, based_on, "What this costs is not known: the model's price is not.")
    total = each * count
    what = f"{count} run{'s' * (count != 1)}"
    about = f"About ${total:.2f}" if total >= _CENT else "Less than a cent"
    sentence = f"{about} for {what} (${each:.4f} each, by {based_on})."
    return CostEstimate(round(total, 6), round(each, 6), based_on, sentence)
