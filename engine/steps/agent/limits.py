"""When an agent stops, counting what people gave it beyond its limits."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

_SAME = 3
"""How many equal calls with equal results, turn after turn, count as a loop without end."""
Earlier = Sequence[Mapping[str, Any]]
"""The turns so far, each {turn, results, asked, edited}.

`asked` is what a person answered in it; `edited` has the arguments of its call, if a person edited them.
"""


def reached(
    limits: Mapping[str, Any],
    earlier: Earlier,
    began: str,
    now: datetime,
    volatile: Mapping[str, Collection[str]],
    approval_wait: timedelta = timedelta(),
) -> str:
    """Return the limit that is reached, or `stuck`; "" if the model may be asked.

    `limits` has `turns`, `tokens` and `seconds`; None: without. `volatile`: by tool, the fields of its result
    that may differ in each call. The time in which a person was asked does not count, nor does `approval_wait`, in
    which people were to approve calls of tools, or an agent that was called waited for people.
    """
    if _is_over(limits.get("turns"), sum(one["turn"]["tokens"] > 0 for one in earlier), earlier, "turns"):
        return "turns"
    if _is_over(limits.get("tokens"), sum(one["turn"]["tokens"] for one in earlier), earlier, "tokens"):
        return "tokens"
    waited = sum((_waited(one) for one in earlier), approval_wait)
    seconds = (now - datetime.fromisoformat(began) - waited).total_seconds()
    if _is_over(limits.get("seconds"), seconds, earlier, "seconds"):
        return "seconds"
    last = [_done(one, volatile) for one in earlier[-_SAME:] if answer_in(one) is None]
    return "stuck" if len(last) == _SAME and last.count(last[0]) == _SAME else ""


def answer_in(one: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what a person answered in a turn; None if nobody was asked."""
    return one.get("asked") if one["turn"]["asks"] else None


def _is_over(limit: float | None, used: float, earlier: Earlier, name: str) -> bool:
    if limit is None:
        return False
    given = sum(((answer_in(one) or {}).get("given") or {}).get(name, 0) for one in earlier)
    return bool(used >= limit + given)


def _waited(one: Mapping[str, Any]) -> timedelta:
    asked = answer_in(one)
    if asked is None or "at" not in asked:
        return timedelta()
    return max(timedelta(), datetime.fromisoformat(asked["at"]) - datetime.fromisoformat(one["turn"]["at"]))


def _done(one: Mapping[str, Any], volatile: Mapping[str, Collection[str]]) -> str:
    """Return what a turn did and what came of it, as one text, without what differs in each call."""
    turn = one["turn"]
    results = {
        name: {key: value for key, value in result.items() if key not in volatile.get(name, ())}
        if isinstance(result, dict)
        else result
        for name, result in one["results"].items()
    }
    return json.dumps([turn["wanted"], turn["arguments"] or turn["said"], turn["error"], results], sort_keys=True)
