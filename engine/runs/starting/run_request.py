"""What is asked of a run that is to start, beyond its workflow; and asking again if a name has changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from msgspec import Struct, field

from engine.base.json_text import JsonObject
from engine.base.statuses import AccountMode, Priority
from engine.record.types.run import OutsideInput, RunOptions, TriggerItem
from engine.store.acceptances import Renamed

Result = TypeVar("Result")
_TRIES = 5


class RunRequest(Struct, frozen=True):
    """How a run differs from what its workflow says."""

    inputs: JsonObject
    options: RunOptions = field(default_factory=RunOptions)
    modes: Mapping[str, AccountMode] = field(default_factory=dict)
    """The account mode of a connection, if not the current setting."""
    default_mode: AccountMode | None = None
    """The same for steps without a connection."""
    origin_run_id: str | None = None
    caller: Any = None
    trigger: TriggerItem | None = None
    """The item that a trigger starts it for: {id, source, account, item, title}."""
    outside_inputs: Sequence[OutsideInput] = ()
    """Which of its inputs another workflow, a trigger or a message has given with text from outside."""
    priority: Priority | None = None
    """How urgent it is, if somebody has said so; else as its workflow says."""
    usual_priority: Priority = Priority.NORMAL
    """If its workflow does not say so either."""
    run_id: str | None = None
    """Its id, if files were already stored for it (`new_files`)."""


_QUOTING = ("message", "remedy", "step")
"""Inputs of notifying workflows that may quote anything."""


def quoting_inputs(inputs: JsonObject, origin: str) -> list[OutsideInput]:
    """Return which inputs of a workflow that the engine starts to notify people may quote text from outside."""
    return [{"place": [name], "origin": origin, "sender": False} for name in _QUOTING if name in inputs]


def retry_if_renamed(accept: Callable[[], Result]) -> Result:
    """Return the result of `accept`; if a name changed since it read its plan, call it again.

    Raises what `accept` raises; Renamed only if that happens repeatedly.
    """
    for _ in range(_TRIES - 1):
        with suppress(Renamed):
            return accept()
    return accept()
