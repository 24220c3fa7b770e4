"""The base class of trigger types: fields, the shape of an item, and how the service is polled for new ones.

The contract, which one suite checks for every type (tests/engine/triggers/test_contract.py):

1. `look` lists everything that came after the cursor, oldest first, and returns the next cursor. It may list an item
   again (an overlap is wanted if the service may answer out of order): the engine keeps the ids it has seen.
2. An item has the same id in every poll, for ever, and no other item of the same `source` has it.
3. Polling and reading change nothing in the service. If they raise an error, nothing has moved: the same cursor lists
   the same items again.
4. The cursor is the service's own position in its history, as JSON. If the service has forgotten it, the type falls
   back to asking by time, with an overlap, and says so in `note`.
5. The first poll has no cursor. It is made while the trigger is turned on, and `start` says which items count as new.
   It starts no run: what it lists is left out (`skip`), and what counts is listed from its cursor on.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from msgspec import Struct

from clients.listing import UnreadableItem
from engine.base.json_text import JsonObject, JsonSchema
from engine.plugins.step import JsonValue, Output, PluginType, Role, StepType, fields_schema

StartFrom = Literal["now", "last", "since"]


class Start(Struct, frozen=True):
    """Which items count as new, as a person chose: from now on, the newest `last`, or `since` a time."""

    last: int | None = None
    since: datetime | None = None

    @property
    def is_now(self) -> bool:
        """Return whether only items from now on count."""
        return self.last is None and self.since is None


class Around(Struct, frozen=True):
    """What a trigger may know of its workspace."""

    root: Path
    """The folder of the workspace."""
    time_zone: str
    """The zone in `config.yaml`, used by schedules that name no zone."""
    workflow: str
    """The workflow that the trigger starts."""
    ended_runs: Callable[[int, int], Sequence[JsonObject]]
    """Returns ended runs without test runs, in the order in which their ends were stored. Arguments: the first end
    number, and the most to return. Returns [{run_id, workflow, title, status, sentence, started_by, ended_at, demo,
    end_number, chain}]. End numbers are rising milliseconds since 1970: what is stored later has a higher one,
    whenever it ended.
    """
    last_end: Callable[[], int]
    """Returns the highest end number of any run, 0 if no run has ended."""
    inbox: Any = None
    """Where what was sent to this server for the trigger waits (`Inbox`), for a type with an `inbox`."""
    private: frozenset[Path] = frozenset()
    """Files and folders of the workspace that are not for steps: its settings, its state, its sign-ins."""


class OwnWrite(Struct, frozen=True):
    """A write that a run has made."""

    uses: str
    marker: str
    """What marks it in the service."""
    receipt_id: str
    output: JsonValue


class Look(Struct, frozen=True):
    """The input of one poll of a service."""

    fields: Any
    """An instance of the trigger type's `fields` model."""
    client: Any
    """The opened client of the trigger's connection, or None."""
    now: datetime
    """The time of this look (aware, UTC)."""
    cursor: JsonValue
    """What the last poll returned; None at the first."""
    start: Start
    unseen: Callable[[Iterable[str]], list[str]]
    """Returns the ids that no earlier poll has listed, in the same order: only they need a further call."""
    around: Around
    limit: int = 100
    """List about this many at most, and set `has_more`, so that a large backlog comes in pieces."""


class Item(Struct, frozen=True):
    """A new item. `value` is what `item` means in the trigger's `inputs`; None: not read yet."""

    id: str
    value: Mapping[str, JsonValue] | None = None
    title: str = ""
    """What a person knows it by: a subject, a file name."""
    at: datetime | None = None
    """When it came, according to the service."""
    skip: str = ""
    """Why it starts no run, as the end of "It was left out: …"; empty if it does."""
    error: str = ""
    """Why it can never be read, as a sentence: then only this item is dead. Empty if it can be."""
    sender: str = ""
    """Whom it is from: with the title, what a person looks for its run by; empty: nobody."""


def unreadable_item(found: UnreadableItem) -> Item:
    """Return a listed item that cannot be read: only this item is dead."""
    return Item(found.id, title=found.title, error=found.reason)


class Found(Struct, frozen=True):
    """The result of a poll."""

    items: Sequence[Item]
    cursor: JsonValue
    has_more: bool = False
    """Whether more can be listed at once."""
    note: str = ""
    """A sentence for a person about this poll."""
    look_again_at: datetime | None = None
    """When the next poll is due; None: after the trigger's own `poll_seconds`."""


def _places(kind: PluginType) -> AbstractSet[str]:
    """Return the names of the fields that decide where it looks, or writes."""
    known = fields_schema(kind.fields).get("properties", {})
    return {name for name, one in known.items() if one.get("role") == Role.DESTINATION}


def _may_be_same(here: JsonValue, there: JsonValue) -> bool:
    """Return whether two texts may mean the same place: an id is part of an address, and a folder of a path."""
    if isinstance(there, str) and "{{" in there:
        return True
    one, other = (str(text or "").strip("/ ").casefold() for text in (here, there))
    return one == other or bool(one and other and (one in other or other in one))


class TriggerType(PluginType):
    """A type of trigger. A new one is a class in a new module of `engine/triggers/`, where everything else finds it.

    `name` is `service.event`. Calls run in worker threads and may block.
    """

    item: ClassVar[type[Output]]
    """The shape of `item`; text from outside is marked as such."""
    happens: ClassVar[str] = ""
    """What a run starts for, as the end of "Starts when …"; empty: only the title says it."""
    poll_seconds: ClassVar[float] = 60.0
    """Seconds between polls, unless the workflow sets them."""
    start_from: ClassVar[tuple[StartFrom, ...]] = ("now", "last", "since")
    """What a person may choose at the first activation."""
    is_watched: ClassVar[bool] = True
    """Whether there is anything to poll; if not, it only describes how people start the workflow."""
    is_about_item: ClassVar[bool] = True
    """Whether a run is about the item; if not, as on a schedule, it may as well start without it."""
    remembered_days: ClassVar[int | None] = None
    """How long the ids of seen items are kept, if the cursor alone tells old from new; None: for ever."""
    listens: ClassVar[bool] = False
    """Whether `listen` may hear of new items."""

    inbox: ClassVar[Literal["", "forms", "hooks"]] = ""
    """What sends its items to this server, and where they wait: forms that people fill in, or webhooks."""

    watches: ClassVar[str] = ""
    """What it watches, as steps that write it say in `makes`: "a calendar event". Empty: no step does."""
    unmade: ClassVar[str] = ""
    """Why no step writes what it watches, as a sentence; empty if `watches` is not."""
    made_by: ClassVar[tuple[str, ...]] = ()
    """The step types whose writes `is_made` recognizes: they start no run of their workflow."""

    def may_find(self, fields: Mapping[str, JsonValue], kind: StepType, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether what a call writes may be where a trigger with these fields looks.

        Arguments are as written, with their `{{ }}`. By default, what decides the place must be the same in both.
        """
        return all(_may_be_same(fields.get(name), arguments.get(name)) for name in _places(self) & _places(kind))

    def knows_own(self, fields: Mapping[str, JsonValue], kind: StepType, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether a trigger with these fields can tell what a call has written from what others write.

        A service that itself tells what workflows have written needs no `made_by`: `include_own` leaves out what any
        workflow wrote, and `is_made` what runs of this one wrote.
        """
        return kind.name in self.made_by or (fields.get("include_own", True) is False and not kind.is_tool)

    def may_be_there(self, fields: Mapping[str, JsonValue], made: OwnWrite) -> bool:
        """Return whether a write that makes what this type watches may be where a trigger with these fields looks."""
        return True

    def is_made(self, look: Look, item: Item, made: Sequence[OwnWrite]) -> bool:
        """Return whether a read item is, unchanged, what one of these writes has made. Raises ServiceError."""
        return False

    @abstractmethod
    def look(self, look: Look) -> Found:
        """List new items. Raises ServiceError; then nothing has moved."""

    def read(self, look: Look, item: Item) -> Item:
        """Return an item of `look` with its value. Raises ServiceError: NotFound if it has been deleted since."""
        return item

    def listen(self, fields: Any, client: Any, hear: Callable[[], None]) -> None:
        """Call `hear` whenever there may be something new, until the call is ended (`clients.deadline.ended_by`).

        It only makes the next poll come at once, for all triggers of this service with the same account and `source`.
        Raises ServiceError: InvalidRequest if the service cannot tell.
        """
        raise NotImplementedError

    def caution(self, fields: Mapping[str, Any]) -> tuple[str, str]:
        """Return what whoever turns it on should know of these fields, (warning, remedy); empty texts: nothing."""
        return "", ""

    def source(self, fields: Any) -> str:
        """Return what a cursor belongs to, with the account: a folder, a database. A new source starts from scratch."""
        return ""

    def item_schema(self) -> JsonSchema:
        """Return the JSON Schema of `item`, for the compiler."""
        return self.item.model_json_schema(mode="serialization")

    def item_schema_of(self, fields: Mapping[str, Any]) -> JsonSchema:
        """Return the JSON Schema of `item` for a trigger with these fields, which may be wrong."""
        return self.item_schema()
