"""How an agent ended, and how much of its limits it has used, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from dashboard.base.language import N_, number, t, tn
from dashboard.parts.times import duration
from engine.agents.conversation import AgentConversation

_NEAR = 0.8
"""Beyond this share, a limit is nearly reached."""
STOPPED = {
    "finished": N_("It has finished."),
    "turns": N_("It was stopped after its last turn, without a result. Raise its turns, or make the task smaller."),
    "tokens": N_("It was stopped because its tokens are used up, without a result. Raise them, or shorten the task."),
    "seconds": N_("It was stopped because its time is used up, without a result. Give it more time."),
    "person": N_("A person has ended it, without a result."),
    "stuck": N_("It was stopped because it was stuck: the same call had the same result three times in a row."),
}
_ASKS = {
    "turns": N_("Its turns are used up, so it asks a person."),
    "tokens": N_("Its tokens are used up, so it asks a person."),
    "seconds": N_("Its time is used up, so it asks a person."),
    "stuck": N_("It is stuck, so it asks a person: the same call had the same result three times in a row."),
}


def asks_words(stopped_by: str) -> str:
    """Return why a person is asked, in a sentence; `stopped_by` is "" if the model asks by itself."""
    return t(_ASKS[stopped_by]) if stopped_by in _ASKS else t("It asks a person.")


def stopped_words(found: AgentConversation) -> str:
    """Return how an agent ended, in a sentence."""
    said = STOPPED.get(found.stopped_by)
    return t(said) if said else t("It was stopped: {reason}.", reason=found.stopped_by)


def used_words(found: AgentConversation, usage: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, bool]]:
    """Yield how much of each limit is used, e.g. "turn 3 of 6", and whether little is left."""
    limits, turns = found.limits, len(found.turns)
    yield t("turn {number} of {most}", number=number(turns), most=number(limits.turns)), turns > _NEAR * limits.turns
    yield _tokens(found.tokens, limits.tokens)
    cost = usage.get("cost_usd")
    if limits.dollars is not None:
        spent = t("cost unknown") if cost is None else _money(cost)
        yield (
            t("{spent} of {most}", spent=spent, most=_money(limits.dollars)),
            (cost or 0) > _NEAR * limits.dollars,
        )
    elif cost is not None:
        yield _money(cost), False
    if limits.seconds is not None:
        spent_seconds = found.seconds(now)
        words = t("{spent} of {most}", spent=duration(spent_seconds), most=duration(limits.seconds))
        yield words, spent_seconds > _NEAR * limits.seconds


def _tokens(used: int, most: float | None) -> tuple[str, bool]:
    if most is None:
        return tn("{count} token", "{count} tokens", used), False
    words = t("{used} of {most} tokens", used=number(used), most=number(most))
    return words, used > _NEAR * most


def _money(dollars: float) -> str:
    """Return an amount with as many digits as it needs: $0.50, but $0.0003."""
    return f"${dollars:.2f}" if dollars >= 0.01 or dollars == 0 else f"${dollars:.4f}"
