"""What people and programs see of triggers: frozen data, every time as RFC 3339 text in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.trigger import StartFrom


@dataclass(frozen=True)
class TriggerError:
    """Why something could not be done."""

    type: str
    message: str
    remedy: str = ""


State = Literal["by hand", "off", "resting", "broken", "needs you", "silent", "trying again", "on"]
"""How a trigger stands in a word or two: `broken` where its file cannot be used, `needs you` where somebody has to turn
it on again or its account refuses, `silent` where it has had no good look for too long."""
OF_ACCOUNTS = ("AuthError", "AccountRefuses")
"""Types of errors that last until somebody does something about the account."""


@dataclass(frozen=True)
class TriggerStatus:
    """How a trigger of a workflow file stands, for one account."""

    workflow: str
    workflow_title: str
    id: str
    title: str
    uses: str
    connection: str | None
    account: str
    """Whose account it watches, in words for people; empty as long as nobody asked the service."""
    demo: bool
    is_on: bool
    is_resting: bool
    """On for an account that is not the one in use now (Demo or Mine); it goes on when that is switched back."""
    needs_start: bool
    """Whether turning it on asks from where on things count as new; else it goes on from where it was."""
    start_from: tuple[StartFrom, ...]
    poll_seconds: float
    turned_on_at: str | None = None
    turned_on_by: str | None = None
    looked_at: str | None = None
    succeeded_at: str | None = None
    look_again_at: str | None = None
    item_at: str | None = None
    """When the newest thing it has seen came, as its service says."""
    items: int = 0
    """Things seen."""
    left_out: dict[str, int] = field(default_factory=dict)
    """How many of them started no run, by why."""
    queued: int = 0
    running: int = 0
    """Runs that it has started and that have begun and not ended; those that wait for a time or an answer included."""
    dead: int = 0
    """Things that could not become a run, and runs that failed."""
    failures: int = 0
    """Looks that failed, one after the other."""
    error: TriggerError | None = None
    """Of the last look, where it failed and `problem` does not say why."""
    note: str = ""
    is_silent: bool = False
    """On, and without a good look for two periods."""
    problem: TriggerError | None = None
    """What in its file (`InvalidFile`, `UnknownName`), or in what it watches (`NotWatched`), stands in the way."""
    state: State = "off"
    is_watched: bool = True
    """Whether there is something to watch at all; `manual` only says that people start the workflow."""
    fields: dict[str, Any] = field(default_factory=dict)
    """What it watches: the `with` of its file."""


def state_of(status: TriggerStatus) -> State:
    """Return how a trigger stands, the gravest word that is true."""
    if not status.is_watched:
        return "by hand"
    if not status.is_on:
        return "off"
    if status.is_resting:
        return "resting"
    if status.problem is not None:
        return "needs you" if status.problem.type == "NotWatched" else "broken"
    if status.error is not None and status.error.type in OF_ACCOUNTS:
        return "needs you"
    if status.is_silent:
        return "silent"
    return "on" if status.error is None else "trying again"


@dataclass(frozen=True)
class CostEstimate:
    """What runs for some items will cost; `usd` is None where it cannot be told."""

    usd: float | None
    per_item_usd: float | None
    based_on: str
    sentence: str


@dataclass(frozen=True)
class PreviewItem:
    """A thing that a look would find. `inputs`: of its run, None where it was not read or cannot become one."""

    id: str
    title: str
    at: str | None
    skip: str = ""
    inputs: dict[str, Any] | None = None
    error: TriggerError | None = None


@dataclass(frozen=True)
class TriggerPreview:
    """What a trigger would process now; nothing has moved. `count`: runs that would start for what was listed."""

    items: list[PreviewItem]
    count: int
    has_more: bool = False
    """Whether there is more than was listed."""
    note: str = ""
    cost: CostEstimate | None = None


@dataclass(frozen=True)
class PollResult:
    """What one look at a trigger gave."""

    workflow: str
    trigger: str
    found: int = 0
    """Things that were new."""
    started: list[str] = field(default_factory=list)
    """Ids of the runs."""
    resumed: list[str] = field(default_factory=list)
    """Ids of runs that it had started before and whose process has died: the one that looked goes on with them."""
    skipped: int = 0
    dead: int = 0
    error: TriggerError | None = None


@dataclass(frozen=True)
class DeadItem:
    """A thing that could not become a run (`run_id` None), or whose run failed."""

    workflow: str
    trigger: str
    item: str
    title: str
    seen_at: str
    error: TriggerError
    run_id: str | None = None


@dataclass(frozen=True)
class Alarm:
    """Why a trigger that is on needs a person. `kind`: `file`, `account`, `silent` or `dead`."""

    workflow: str
    trigger: str
    kind: str
    message: str
    remedy: str
    since: str
