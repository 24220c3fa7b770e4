"""The status of triggers for people and programs: frozen data, every time as RFC 3339 text in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from engine.plugins.trigger import StartFrom


@dataclass(frozen=True)
class TriggerError:
    """Why something could not be done."""

    __pydantic_config__: ClassVar[Mapping[str, bool]] = {"json_schema_serialization_defaults_required": True}
    type: str
    message: str
    remedy: str = ""


State = Literal["by hand", "off", "resting", "broken", "needs you", "silent", "trying again", "on"]
"""The state of a trigger in a word or two. `broken`: its file cannot be used. `needs you`: somebody has to turn it on
again, or its account refuses calls. `silent`: it has had no successful poll for too long.
"""
FEEDS_ITSELF = "FeedsItself"
OF_ACCOUNTS = ("AuthError", "AccountRefuses", "ConfirmationNeeded")
"""Types of errors that last until somebody fixes the account."""


@dataclass(frozen=True)
class TriggerStatus:
    """The status of a trigger of a workflow file, for one account."""

    workflow: str
    workflow_title: str
    id: str
    title: str
    uses: str
    connection: str | None
    account: str
    """The account it watches, as people know it; empty as long as the service has not been asked."""
    demo: bool
    is_on: bool
    is_resting: bool
    """It is on for an account that is not in use now (Demo or Mine); it continues when that is switched back."""
    needs_start: bool
    """Whether turning it on requires a start; otherwise it continues from where it left off."""
    start_from: tuple[StartFrom, ...]
    poll_seconds: float
    turned_on_at: str | None = None
    turned_on_by: str | None = None
    looked_at: str | None = None
    succeeded_at: str | None = None
    look_again_at: str | None = None
    item_at: str | None = None
    """When the newest item it has seen arrived, according to its service."""
    items: int = 0
    """Number of items seen."""
    left_out: dict[str, int] = field(default_factory=dict)
    """How many of them started no run, by reason."""
    queued: int = 0
    running: int = 0
    """Runs it has started that have begun and not ended, including those that wait for a time or an answer."""
    asking: int = 0
    """Of these, runs with a question that nobody has answered yet."""
    dead: int = 0
    """Items that could not become a run, and runs that failed."""
    failures: int = 0
    """Failed polls in a row."""
    error: TriggerError | None = None
    """The error of the last poll, if it failed for another reason than `problem`."""
    note: str = ""
    environment: str = ""
    """The environment in which its runs start, "" without environments."""
    is_silent: bool = False
    """Whether it is on without a successful poll for two periods."""
    problem: TriggerError | None = None
    """What prevents it from being watched, in its file (`InvalidFile`, `UnknownName`) or elsewhere (`NotWatched`)."""
    state: State = "off"
    is_watched: bool = True
    """Whether there is anything to watch; `manual` only says that people start the workflow."""
    warning: str = ""
    """What its author may not have meant, such as that no input receives the item."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Its configuration: the `with` of its file."""


def state_of(status: TriggerStatus) -> State:
    """Return the state of a trigger; the most serious one that applies."""
    if not status.is_watched:
        return "by hand"
    if not status.is_on:
        return "off"
    if status.is_resting:
        return "resting"
    if status.problem is not None:
        return "needs you" if status.problem.type == "NotWatched" else "broken"
    if status.error is not None and status.error.type in {*OF_ACCOUNTS, FEEDS_ITSELF}:
        return "needs you"
    if status.is_silent:
        return "silent"
    return "on" if status.error is None else "trying again"


@dataclass(frozen=True)
class CostEstimate:
    """What runs for some items will cost; `usd` is None if it is unknown."""

    usd: float | None
    per_item_usd: float | None
    based_on: str
    sentence: str


@dataclass(frozen=True)
class PreviewItem:
    """An item that a poll would find. `inputs`: of its run, None if it was not read or cannot become one."""

    id: str
    title: str
    at: str | None
    skip: str = ""
    inputs: dict[str, Any] | None = None
    error: TriggerError | None = None
    is_unconfirmed: bool = False
    """Whether it is, or holds, a mail whose sender is not confirmed."""


@dataclass(frozen=True)
class TriggerPreview:
    """What a trigger would process now; nothing has moved. `count`: runs that would start for the listed items."""

    items: list[PreviewItem]
    """The first of the items."""
    count: int
    left_out: int = 0
    """How many items are left out."""
    has_more: bool = False
    """Whether there are more items than were listed."""
    note: str = ""
    cost: CostEstimate | None = None
    next_at: str | None = None
    """When it will poll next, where it knows its own times."""
    time_zone: str = ""
    """The zone of those times."""

    def behind(self, shown: int) -> int:
        """Return how many items follow the first `shown`."""
        return max(self.count + self.left_out - shown, 0)


@dataclass(frozen=True)
class PollResult:
    """The result of one poll of a trigger."""

    workflow: str
    trigger: str
    found: int = 0
    """Number of new items."""
    started: list[str] = field(default_factory=list)
    """Ids of the runs."""
    resumed: list[str] = field(default_factory=list)
    """Ids of runs it had started in a process that has died; the polling process resumes them."""
    skipped: int = 0
    dead: int = 0
    error: TriggerError | None = None


@dataclass(frozen=True)
class DeadItem:
    """An item that could not become a run (`run_id` None), or whose run failed."""

    workflow: str
    trigger: str
    item: str
    title: str
    seen_at: str
    error: TriggerError
    run_id: str | None = None


@dataclass(frozen=True)
class Alarm:
    """Why a trigger that is on needs attention. `kind`: `file`, `account`, `silent` or `dead`."""

    workflow: str
    trigger: str
    kind: str
    message: str
    remedy: str
    since: str
