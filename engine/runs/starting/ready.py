"""Runs that are checked and not stored yet: those that are asked for at the same time are stored together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from typing_extensions import TypedDict

from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject
from engine.base.statuses import Priority
from engine.runs.starting.run_request import retry_if_renamed
from engine.store.acceptances import Renamed, RunEntry

if TYPE_CHECKING:
    from engine.runs.starting.acceptor import Acceptor


class StartOptions(TypedDict, total=False):
    """How a run is started. All but `request_key`, `environment` and `priority` make it a test run."""

    request_key: str | None
    """Repeating it returns the same run: a double click makes one."""
    environment: str
    """In which it runs; "" for the default one."""
    priority: Priority | None
    """How urgent it is; None for what its workflow says, else normal."""
    pins: JsonObject | None
    """Outputs ({step path: output}, `each_mail.classify` or `each_mail[3].classify`) instead of running those steps."""
    only: str | None
    """The one step to run, for all items or one."""
    from_run: str | None
    """The run whose outputs replace the other steps' own."""


class ReadyRun(Struct, frozen=True):
    """A run to store."""

    entry: RunEntry
    again: Callable[[], RunEntry]
    """Checks it once more: a name may change before it is stored."""


def begin_each(acceptor: Acceptor, runs: Sequence[ReadyRun | str]) -> list[str | Exception]:
    """Store runs in one transaction and start them; return the id of each, or why it was not started.

    The id of an earlier run of the same request is returned as it is.
    """
    try:
        acceptor.begin_each([run.entry for run in runs if isinstance(run, ReadyRun)])
    except OrchestraError as error:  # it leaves open what became of some
        return [_outcome(acceptor, run) or error for run in runs]
    return [_outcome(acceptor, run) or AssertionError("The store gave no outcome.") for run in runs]


def _outcome(acceptor: Acceptor, run: ReadyRun | str) -> str | Exception | None:
    if isinstance(run, str):
        return run
    if not isinstance(run.entry.error, Renamed):
        return run.entry.error or run.entry.run_id
    try:
        return retry_if_renamed(lambda: acceptor.begin(run.again()))
    except Exception as error:  # noqa: BLE001 - the others are stored
        return error
