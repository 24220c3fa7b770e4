"""Calls of an agent that a person has edited before they approved them: what was made, instead of what its model wrote.

The model's own answer stays in the conversation as it is. What was made is shown with its result, as in
HumanInTheLoopMiddleware of LangChain: models that were shown another call in place of theirs made theirs again
(https://github.com/langchain-ai/langchain/pull/40463).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.steps.agent.limits import Earlier


def with_edits(earlier: Sequence[Any], edited: Mapping[str, Any]) -> Earlier:
    """Return the turns; one whose call was edited has its arguments as they were made, `edited`, too.

    `edited`: what the engine knows of edited calls, by path (`EditedCall`).
    """
    turns = [one for one in earlier if isinstance(one, dict)]
    return [_with_edit(number, one, edited) for number, one in enumerate(turns, 1)]


def _with_edit(number: int, one: dict[str, Any], edited: Mapping[str, Any]) -> dict[str, Any]:
    tool = one["turn"]["tool"]
    call = edited.get(f"turn_{number}.use_{tool}_{number}")
    if call is None:
        return one
    shown = {*one["turn"]["arguments"].get(tool, ()), *call["changed"]}
    return {**one, "edited": {name: value for name, value in call["arguments"].items() if name in shown}}
