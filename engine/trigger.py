"""What a trigger type is: its fields, what one item looks like, and how the service is looked at for new ones.

The contract, which one suite checks for every type (tests/engine/triggers/test_contract.py):

1. `look` lists everything that came after the cursor, the oldest first, and gives the cursor to go on from. It may list
   a thing again (an overlap is wanted where the service may answer out of order): the engine keeps the ids it has seen.
2. A thing has the same id in every look, for ever, and no other thing of the same `source` has it.
3. Looking and reading change nothing in the service. Whatever they raise, nothing has moved: the same cursor again
   lists the same things.
4. The cursor is the service's own place in its history, as JSON. Where the service has forgotten it, the type falls
   back to asking by time, with an overlap, and says so in `note`.
5. Without a cursor it is the first look, made while the trigger is turned on, and `start` says from where on things
   count as new. It starts nothing: what it lists is left out (`skip`), and what counts is listed from its cursor on.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from engine.step import JsonValue, Kind, Output

StartFrom = Literal["now", "last", "since"]


@dataclass(frozen=True)
class Start:
    """From where on things count as new, as a person chose it: from now, the newest `last`, or `since` a time."""

    last: int | None = None
    since: datetime | None = None

    @property
    def is_now(self) -> bool:
        """Tell whether only what comes from now on counts."""
        return self.last is None and self.since is None


@dataclass(frozen=True)
class Around:
    """What lies around a trigger in this workspace."""

    root: Path
    """The folder of the workspace."""
    time_zone: str
    """The zone that `config.yaml` names: of schedules that name none."""
    workflow: str
    """The workflow that the trigger starts."""
    ended_runs: Callable[[int, int], Sequence[Mapping[str, Any]]]
    """Gives ended runs, test runs left out, in the order in which their ends were stored: (with this end number or a
    later one, at most so many) -> [{run_id, workflow, title, status, sentence, started_by, ended_at, demo, end_number,
    chain}]. Numbers are rising milliseconds since 1970; what is stored later has a higher one, whenever it ended."""
    last_end: Callable[[], int]
    """Gives the highest end number of any run, 0 where none has ended."""


@dataclass(frozen=True)
class Look:
    """One look at a service: what it is made with."""

    fields: Any
    """An instance of the trigger type's `fields` model."""
    client: Any
    """The opened client of the trigger's connection, or None."""
    now: datetime
    """The time of this look (aware, UTC)."""
    cursor: JsonValue
    """What the last look gave; None at the first."""
    start: Start
    unseen: Callable[[Iterable[str]], list[str]]
    """Gives those of the ids that no earlier look has listed, in the same order: only they need a further call."""
    around: Around
    limit: int = 100
    """List about so many at most, and say `has_more`, so that a large backlog comes in pieces."""


@dataclass(frozen=True)
class Item:
    """One thing that is new. `value` is what `item` means in the trigger's `inputs`; None: it is yet to be read."""

    id: str
    value: Mapping[str, JsonValue] | None = None
    title: str = ""
    """How a person knows it: a subject, a file name."""
    at: datetime | None = None
    """When it came, as the service says."""
    skip: str = ""
    """Why it starts no run, as the end of "It was left out: …"; empty where it does."""


@dataclass(frozen=True)
class Found:
    """What a look found."""

    items: Sequence[Item]
    cursor: JsonValue
    has_more: bool = False
    """Whether there is more to list at once."""
    note: str = ""
    """What a person should know of this look, as a sentence."""
    look_again_at: datetime | None = None
    """When the next look is due; None: after the trigger's own `poll_seconds`."""


class TriggerType(Kind):
    """One kind of trigger. A new one is a class in a new file of `engine/triggers/`; everything else finds it there.

    `name` is `service.event`. Calls run in worker threads and may block.
    """

    item: ClassVar[type[Output]]
    """The shape of `item`; what is text from outside is marked so."""
    poll_seconds: ClassVar[float] = 60.0
    """How often to look, where the workflow does not say."""
    start_from: ClassVar[tuple[StartFrom, ...]] = ("now", "last", "since")
    """What a person may choose at the first activation."""
    is_watched: ClassVar[bool] = True
    """Whether there is anything to look at; else it only says how people start the workflow."""
    remembered_days: ClassVar[int | None] = None
    """How long the ids of seen things are kept, where the cursor alone tells old from new; None: for ever."""

    @abstractmethod
    def look(self, look: Look) -> Found:
        """List what is new. Raises ServiceError; then nothing has moved."""

    def read(self, look: Look, item: Item) -> Item:
        """Return an item of `look` with its value. Raises ServiceError: NotFound where it is gone meanwhile."""
        return item

    def source(self, fields: Any) -> str:
        """What a cursor belongs to beside the account: a folder, a database. With another source all starts anew."""
        return ""

    def item_schema(self) -> Mapping[str, Any]:
        """JSON Schema of `item`, for the compiler."""
        return self.item.model_json_schema(mode="serialization")
