"""Estimate what runs for new items will cost: from the cost of earlier runs, else from the length of the items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.base.errors import InvalidFile
from engine.budgets.prices import usd
from engine.compiler.definition.plan import Action, Plan
from engine.connections.model_prices import ModelPrices
from engine.expressions.json_values import compact_json
from engine.record.run_log import RunLogs
from engine.store.triggering.triggered_runs import TriggeredRuns
from engine.triggering.polling.status import CostEstimate

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUNS = 20
_CENT = 0.01
_CHARACTERS_A_TOKEN = 4  # a rule of thumb of OpenAI for English
_ANSWER_TOKENS = 300
_PROMPT_TOKENS = 400
"""Tokens of a model step beside the item itself, prompt and answer: a guess for when no run has been made yet."""

ModelOf = Callable[[str], ModelPrices]
"""Returns the models of a connection, and the prices there."""


class Costs:
    """Makes estimates; any thread, calls no service."""

    def __init__(self, runs: TriggeredRuns, logs: RunLogs, model_of: ModelOf) -> None:
        self._runs, self._logs, self._model_of = runs, logs, model_of

    def estimate(self, plan: Plan, count: int, inputs: Sequence[Mapping[str, Any]]) -> CostEstimate | None:
        """Return what `count` runs will cost, or None if no model is used. `inputs`: of some of the runs."""
        calls = [node.action for node in plan.nodes() if node.action and node.action.asks_models]
        if not calls:
            return None
        spent = list(self._spent(plan.id))
        if spent:
            known = [one for one in spent if one is not None]
            each = sum(known) / len(known) if len(known) == len(spent) else None
            return _estimate(each, count, f"the last {len(spent)} runs" if len(spent) > 1 else "the last run")
        by = "the length of these items"
        if any(action.other_models for action in calls):
            by += ", if the dearest model of each step answers"
        return _estimate(self._guessed(calls, inputs), count, by)

    def _spent(self, workflow_id: str) -> Iterator[float | None]:
        """Yield the costs of the newest runs that triggers have started; None if a price is unknown."""
        for run_id in self._runs.newest_succeeded(workflow_id, _RUNS):
            try:
                run = self._logs.read(run_id)
            except InvalidFile:  # one damaged log must not keep a trigger from being turned on
                continue
            if run is not None:
                cost = run["usage"]["cost_usd"]
                yield None if cost is None else float(cost)

    def _guessed(self, calls: Sequence[Action], inputs: Sequence[Mapping[str, Any]]) -> float | None:
        """Return the cost of a run with these calls."""
        if not inputs:
            return None
        characters = sum(len(compact_json(dict(one))) for one in inputs) / len(inputs)
        input_tokens = round(characters / _CHARACTERS_A_TOKEN) + _PROMPT_TOKENS
        total = 0.0
        for action in calls:
            asked = [(action.embedding or str(action.connection), "")]
            asked += [(one.connection, one.model) for one in action.other_models]
            costs = [self._cost(*one, input_tokens, embeds=action.step_type.embeds) for one in asked]
            known = [one for one in costs if one is not None]
            if len(known) < len(costs):
                return None
            total += usd(max(known))
        return total

    def _cost(self, connection: str, model: str, input_tokens: int, *, embeds: bool) -> int | None:
        known = self._model_of(connection)
        default, answer = (known.embedding_model, 0) if embeds else (known.model, _ANSWER_TOKENS)
        return known.prices.cost((model or default,), input_tokens, answer)


def _estimate(each: float | None, count: int, based_on: str) -> CostEstimate:
    if each is None:
        return CostEstimate(None, None, based_on, "What this costs is not known: the model's price is not.")
    total = each * count
    what = f"{count} run{'s' * (count != 1)}"
    about = f"About ${total:.2f}" if total >= _CENT else "Less than a cent"
    sentence = f"{about} for {what} (${each:.4f} each, by {based_on})."
    return CostEstimate(round(total, 6), round(each, 6), based_on, sentence)
