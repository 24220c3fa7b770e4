"""What a run will cost, before it starts: by the last runs of its workflow, else by its prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from clients.wording import counted
from engine.base.statuses import AccountMode
from engine.base.step_tree import AGENT_PREFIX, StepNode
from engine.budgets.limits import money
from engine.budgets.prices import usd
from engine.compiler.definition.plan import Action, Node, Plan, PlannedFallback
from engine.connections.model_prices import model_prices
from engine.expressions.expressions import Template
from engine.prompts.answer_checks import REQUESTS_AGAIN, asked_again
from engine.prompts.prompt import MOST_EXAMPLE_TOKENS
from engine.record.types.run import EstimateRecord
from engine.store.spending import SpendingStore
from engine.workspace.config import LoadedConfig

_LAST_RUNS = 20
_CHARACTERS_A_TOKEN = 4  # a rule of thumb of OpenAI for English
_MOST_TEXT_TOKENS = 2_000
_ANSWER_TOKENS = (50, 500)
_LETTER_TOKENS = (1, 21)
"""Of a second question: a letter; at most the letter, and JSON when it is asked again."""
_MOST_TEXTS = 100
"""Texts to make vectors of, where an expression says which."""
_PROMPTS, _ONE_ITEM = "by the prompts", "by the prompts, for one item of each loop"
_NOT_KNOWN = "The cost is not known: the price of {} is not."
_NO_MODEL = "The cost is not known: no model is chosen yet."
_AGENTS_ALONE = "The cost is not known before it has run: its agents decide how often they ask a model."
_NOT_COUNTED = "What the agents and workflows that it calls use is not in it."


class Estimates:
    """Makes estimates; any thread, calls no service."""

    def __init__(self, spent: SpendingStore, settings: Callable[[], LoadedConfig]) -> None:
        self._spent, self._settings = spent, settings

    def of(self, plan: Plan, modes: Mapping[str, AccountMode], items: int | None = None) -> EstimateRecord | None:
        """Return the estimate of a run, None if it asks no model. `items`: how many its loops go through, if known."""
        if not plan.asks_models and not any(name.startswith(AGENT_PREFIX) for name in plan.workflows):
            return None
        is_demo = all(mode == AccountMode.DEMO for mode in modes.values())
        found, notes = self._by_last_runs(plan, is_demo=is_demo), list(self._fallbacks(plan, modes))
        if found is None and not plan.asks_models:
            return _estimate(None, None, _PROMPTS, _AGENTS_ALONE)
        if found is None:
            found = self._by_prompts(plan, modes, items)
            notes += [_NOT_COUNTED] if plan.workflows else []
        return {**found, "sentence": " ".join([found["sentence"], *notes])}

    def _by_last_runs(self, plan: Plan, *, is_demo: bool) -> EstimateRecord | None:
        last = self._spent.of_last_runs(plan.id, _LAST_RUNS, demo=is_demo)
        if not last:
            return None
        by = f"by the last {len(last)} runs" if len(last) > 1 else "by the last run"
        if any(one.unpriced for one in last):
            return _estimate(None, None, by, "The cost is not known: the price of a model is not.")
        costs = sorted(usd(one.nano_usd) for one in last)
        return _estimate(costs[0], costs[-1], by, f"{_range(costs[0], costs[-1])}, {by}.")

    def _by_prompts(self, plan: Plan, modes: Mapping[str, AccountMode], items: int | None) -> EstimateRecord:
        low, high = 0, 0
        for one, action in _model_calls(plan):
            times = (1 if items is None else items) if _is_in_loop(one) else 1
            costs = self._costs(action, plan, modes)
            unknown = next((each.model for each in costs if each.low is None or each.high is None), None)
            if unknown is not None:
                words = _NOT_KNOWN.format(repr(unknown)) if unknown else _NO_MODEL
                return _estimate(None, None, _PROMPTS, words)
            low += times * (costs[0].low or 0)
            high += times * max(each.high or 0 for each in costs)
        has_loop = any(_is_in_loop(one) for one, _ in _model_calls(plan))
        cost, by = _range(usd(low), usd(high)), f"estimated from {_steps(plan)}"
        if not has_loop:
            return _estimate(usd(low), usd(high), _PROMPTS, f"{cost}, {by}.")
        if items is None:
            return _estimate(usd(low), usd(high), _ONE_ITEM, f"{cost} per loop item, {by}.")
        return _estimate(usd(low), usd(high), _PROMPTS, f"{cost} for {counted(items, 'item')}, {by}.")

    def _costs(self, action: Action, plan: Plan, modes: Mapping[str, AccountMode]) -> list[_ModelCost]:
        """Return what a call costs with each model that it may ask, its own first."""
        prompt: Mapping[str, Any] = plan.prompts.get(str(action.arguments.get("prompt") or "")) or {}
        own = str(action.arguments.get("model") or prompt.get("model") or "")
        first = PlannedFallback(action.embedding or action.connection or "", own)
        embeds, found = action.step_type.embeds, []
        tokens = _tokens_to_embed(action) if embeds else _tokens(action, plan)
        for one in (first, *action.other_models):
            mode = modes.get(one.connection, AccountMode.MINE)
            known = model_prices(self._settings(), one.connection, mode)
            model = one.model or (known.embedding_model if embeds else known.model)
            low, high = (known.prices.cost((model,), *each) for each in tokens)
            found.append(_ModelCost(model, one.connection, low, high))
        return found

    def _fallbacks(self, plan: Plan, modes: Mapping[str, AccountMode]) -> Iterator[str]:
        """Yield a sentence about each step that asks other models if its own gives no answer."""
        for one, action in _model_calls(plan):
            if action.other_models:
                costs = self._costs(action, plan, modes)
                listed = ", then ".join(each.words for each in costs)
                yield f"`{one.step.path}` asks {listed}; {_dearest(costs)}."


class _ModelCost(NamedTuple):
    """What a call costs with a model, in nano-USD; None if its price is not known."""

    model: str
    connection: str
    low: int | None
    high: int | None

    @property
    def words(self) -> str:
        return f"{self.model or 'the model'} ({self.connection})"


def _dearest(costs: Sequence[_ModelCost]) -> str:
    unknown = [one.words for one in costs if one.high is None]
    if unknown:
        return f"the price of {' and '.join(unknown)} is not known"
    dearest = max(costs, key=lambda one: one.high or 0)
    return f"the dearest is {dearest.words}" if dearest.high else "all of them are free"


def words(estimate: EstimateRecord | None) -> str:
    """Return an estimate in two or three words, to show beside the actual cost; empty without an estimate."""
    if estimate is None or estimate["low_usd"] is None or estimate["high_usd"] is None:
        return ""
    cost = _range(estimate["low_usd"], estimate["high_usd"])
    return f"estimated {cost} an item" if estimate["based_on"] == _ONE_ITEM else f"estimated {cost}"


def _estimate(low: float | None, high: float | None, based_on: str, sentence: str) -> EstimateRecord:
    return {"low_usd": low, "high_usd": high, "based_on": based_on, "sentence": sentence}


def _range(low: float, high: float) -> str:
    return money(high) if money(low) == money(high) else f"{money(low)} to {money(high)}"


def _model_calls(plan: Plan) -> Iterator[tuple[StepNode[Node], Action]]:
    for one in plan.tree():
        action = one.step.action
        if action is not None and action.asks_models and not one.is_after_failure:
            yield one, action


def _steps(plan: Plan) -> str:
    """Return what is put into models and comes out, in words."""
    embedding = [action for _, action in _model_calls(plan) if action.step_type.embeds]
    asking = sum(1 for _ in _model_calls(plan)) - len(embedding)
    least, most = _ANSWER_TOKENS
    put_in, parts = f"up to {_MOST_TEXT_TOKENS:,} tokens of text", []
    if asking:
        words = f"each with {put_in} put in and an answer of {least} to {most} tokens"
        parts.append(f"the prompts of {counted(asking, 'model step')}: {words}")
    if embedding:
        texts = counted(sum(map(_texts_to_embed, embedding)), "new text")
        parts.append(f"the vectors of at most {texts}, each with {put_in}")
    return "; and from ".join(parts)


def _is_in_loop(one: StepNode[Node]) -> bool:
    around: StepNode[Node] | None = one
    while around is not None:
        if around.step.loop is not None:
            return True
        around = around.parent
    return False


def _tokens(action: Action, plan: Plan) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (input, output) tokens of a short and of a long call."""
    prompt: Mapping[str, Any] = plan.prompts.get(str(action.arguments.get("prompt") or "")) or {}
    written = sum(map(len, _texts([action.arguments, prompt.get("messages"), prompt.get("output_schema")])))
    limit = action.arguments.get("max_tokens") or (prompt.get("parameters") or {}).get("max_tokens")
    least, most = _ANSWER_TOKENS
    most = limit if isinstance(limit, int) else most
    short = written // _CHARACTERS_A_TOKEN
    examples = MOST_EXAMPLE_TOKENS if prompt.get("examples") else 0
    again = asked_again(prompt)
    once, twice = (again * tokens for tokens in _LETTER_TOKENS)
    long = (1 + REQUESTS_AGAIN * again) * (short + examples + _MOST_TEXT_TOKENS)  # each question has the same text
    return ((1 + again) * short, min(least, most) + once), (long, most + twice)


def _tokens_to_embed(action: Action) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (input, output) tokens of a call without new texts, and of one with many."""
    written = sum(map(len, _texts(action.arguments))) // _CHARACTERS_A_TOKEN
    return (0, 0), (written + _texts_to_embed(action) * _MOST_TEXT_TOKENS, 0)


def _texts_to_embed(action: Action) -> int:
    """Return for how many texts a call may make vectors."""
    given = next((action.arguments[name] for name in ("documents", "texts") if name in action.arguments), [""])
    return len(given) if isinstance(given, list) else _MOST_TEXTS


def _texts(value: Any) -> Iterator[str]:
    """Yield every text that is written in the file."""
    if isinstance(value, Template):
        yield from (piece for piece in value.pieces if isinstance(piece, str))
    elif isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
