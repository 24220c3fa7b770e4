"""What a person chooses in the wizard, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_Short = Annotated[str, Field(max_length=200)]
_Long = Annotated[str, Field(max_length=4_000)]
_MOST_TARGETS = 12
MOST_DAYS = 3_650
"""The longest age of an item."""


class _Chosen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WhenToStart(StrEnum):
    """When the workflow starts."""

    HAND = "hand"
    SCHEDULE = "schedule"
    NEW = "new"
    """A run for each new item of the source."""


class ItemCount(StrEnum):
    """How many items a target is about."""

    EACH = "each"
    LIST = "list"
    """All of them at once, a line each."""
    COUNT = "count"
    """Only how many there are."""


class OwnText(StrEnum):
    """What a text of a person's own is for a target."""

    NONE = "none"
    """It takes none."""
    OPTIONAL = "optional"
    """In place of the one that is made from the item."""
    NEEDED = "needed"
    """There is no other."""
    WISH = "wish"
    """What the text that a model writes should be like."""


class ItemFilter(_Chosen):
    """Which items count; all that is given must hold."""

    words: tuple[_Short, ...] = Field(default=(), max_length=20, description="Its title or text has one of these.")
    senders: tuple[_Short, ...] = Field(default=(), max_length=20, description="Mail from these addresses or domains.")
    labels: tuple[_Short, ...] = Field(default=(), max_length=20, description="It has all these labels.")
    is_new: bool = Field(default=False, description="Only what is new since the last time; with `schedule`.")
    newer_days: int = Field(default=0, ge=0, le=MOST_DAYS, description="Not older than this many days; 0: of any age.")
    older_days: int = Field(default=0, ge=0, le=MOST_DAYS, description="Untouched for this many days; 0: of any age.")
    has_file: bool = Field(default=False, description="Only mail with an attached file.")
    ending: str = Field(default="", pattern=r"^([a-z0-9]{1,8})?$", description="Only attached files such as `pdf`.")
    unassigned: bool = Field(default=False, description="Only issues that nobody is assigned to.")
    column: _Short = Field(default="", description="A column whose number must be above `above`.")
    above: float = Field(default=0, description="See `column`.")
    more_than: int = Field(default=-1, ge=-1, description="Only if there are more items than this; -1: in any case.")


class ValueKind(StrEnum):
    """What a value is."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    """As 2026-11-27."""


class WantedValue(_Chosen):
    """A value that a model finds in the text of an item."""

    name: _Short = Field(min_length=1, description="What it is called, also as the name of a column.")
    meaning: _Short = Field(default="", description="What it means, for the model.")
    kind: ValueKind = ValueKind.TEXT


class FilledField(_Chosen):
    """A field that a person fills in."""

    name: str
    title: str
    format: str = ""
    """What it is, for a picker: `github-repository`, `notion-database`, …; empty: text."""
    default: str = ""
    is_list: bool = False
    """Whether it is several texts, with commas between."""
    is_optional: bool = False


class Chosen(_Chosen):
    """Something that is done with each item, or with all of them."""

    target: _Short = Field(description="The name of a target.")
    places: Mapping[_Short, _Long] = Field(default={}, description="The fields of the target, by name.")
    title: _Long = Field(default="", description="A title of the person's own; may have expressions.")
    text: _Long = Field(default="", description="A text of the person's own; may have expressions.")
    when: _Short = Field(default="", description="Only for items of this kind (see `kinds`); empty: for all.")
    is_approved: bool = Field(default=False, description="Whether a person is asked before each write.")


class Choices(_Chosen):
    """Everything that a person has chosen."""

    source: _Short = Field(description="The name of a source.")
    places: Mapping[_Short, _Long] = Field(default={}, description="The fields of the source, by name.")
    start: WhenToStart = WhenToStart.HAND
    cron: _Short = Field(default="", description="With `schedule`: five fields, as of cron.")
    time_zone: _Short = Field(default="", description="With `schedule`: such as Europe/Berlin; empty: the workspace's.")
    only: ItemFilter = ItemFilter()
    kinds: Mapping[_Short, _Long] = Field(
        default={}, max_length=12, description="Kinds that a model sorts the items into, each with what it means."
    )
    values: tuple[WantedValue, ...] = Field(
        default=(), max_length=20, description="Values that a model finds in each item."
    )
    is_file_read: bool = Field(default=False, description="Whether they are found in each attached file instead.")
    amount: ItemCount = ItemCount.EACH
    is_summarized: bool = Field(default=False, description="Whether a model sums up the text.")
    targets: tuple[Chosen, ...] = Field(min_length=1, max_length=_MOST_TARGETS)
    title: _Short = Field(default="", description="The title of the workflow; empty: made from the choices.")
    description: _Long = Field(default="", description="What the workflow does, in words.")


class Offer(BaseModel):
    """A source or a target that may be chosen."""

    name: str
    title: str
    service: str
    """The service that must be connected; empty if none must be."""
    is_connected: bool
    places: tuple[FilledField, ...]
    can_start: bool = False
    """A source: whether each new item can start the workflow."""
    needs_start: bool = False
    """A source: whether it has items only when something new comes."""
    filters: tuple[str, ...] = ()
    """A source: the fields of `only` that it has."""
    sources: tuple[str, ...] = ()
    """A target: the sources that it fits."""
    amounts: tuple[ItemCount, ...] = ()
    """A target: how many items it may be about."""
    text: OwnText = OwnText.NONE
    """A target: what a text of the person's own is."""
    parts: tuple[str, ...] = ()
    """A source: the parts of an item that a cell may have."""
    is_single: bool = False
    """A source: whether a workflow that starts for each new item gets that item alone."""
    has_files: bool = False
    """A source: whether its items have attached files."""


class Offers(BaseModel):
    """Everything that may be chosen."""

    sources: list[Offer]
    targets: list[Offer]
