"""Shared by the GitHub steps: the repository, lists, writes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, create_model

from clients.wording import counted
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Part,
    Repeat,
    StepType,
    address,
    destination,
    option,
    outside,
)
from engine.plugins.unreadable import UnreadableThing, unreadable_of

MOST = 1000


class Repository(Fields):
    """The repository."""

    repository: str = destination("Repository", format="github-repository", min_length=1)


class Limited(Repository):
    """The repository, and the maximum number of entries."""

    limit: int = option("At most", 25, ge=1, le=MOST)


class Listed(Output):
    """A list; `has_more`: it was cut, `unreadable`: entries that were listed but cannot be read.

    `left_out` says what GitHub has not looked through.
    """

    unreadable: list[UnreadableThing] = Field(default_factory=list)
    has_more: bool
    left_out: list[str] = Field(default_factory=list)


class ThreadText(Part):
    """The common fields of issues and pull requests."""

    id: int
    number: int
    url: str = address("Address")
    title: str = outside("Title")
    state: str
    body: str = outside("Body")
    labels: list[str] = outside("Labels")
    assignees: list[str] = outside("Assignees")
    author: str = outside("Author")
    created_at: str
    updated_at: str
    closed_at: str | None


class ChangedFile(Part):
    """A changed file; `patch` is a part of the diff."""

    path: str = outside("Path")
    status: str
    additions: int
    deletions: int
    patch: str = outside("Changes")


class Changes(Output):
    """The changed files; `is_cut`: files, or parts of their changes, are left out."""

    files: list[ChangedFile]
    file_count: int
    is_cut: bool


_CUT = "Raise `max_files` and `max_characters`; GitHub itself shows no changes of large files."


class WithChanges(Repository):
    """How much of a change to read."""

    # GitHub gives no more of a comparison (https://docs.github.com/rest/commits/commits#compare-two-commits).
    max_files: int = option("Maximum files", 50, ge=0, le=300)
    max_characters: int = option("Maximum characters of changes", 60_000, ge=0, le=1_000_000)


def noted(call: Call, changes: Mapping[str, JsonValue]) -> JsonValue:
    """Return what a client has read of a change, and leave a note on the call if that is not all of it."""
    if changes["is_cut"]:
        call.notes.append(f"{counted(changes['file_count'], 'changed file')}; files or changes are left out. {_CUT}")
    return dict(changes)


class Reading(StepType):
    """A step that reads from GitHub."""

    service = "github"
    effect = Effect.READS


class Listing(Reading):
    """A step that lists objects. It requests one more than `limit`, to know whether there are more."""

    listed: ClassVar[str]
    """The name of the list in the output."""
    called: ClassVar[str] = ""
    """What people call its entries, if not by that name."""
    of: ClassVar[type[Part]]
    """The type of its entries."""

    def __init_subclass__(cls) -> None:
        """Create the output type: the list, and whether it was cut."""
        items: Any = (list[cls.of], ...)  # type: ignore[name-defined]
        cls.output = create_model(f"{cls.__name__}Output", __base__=Listed, **{cls.listed: items})

    @abstractmethod
    def lister(self, client: Any) -> Any:
        """Return the client's method, which takes the fields by name."""

    def call(self, call: Call) -> JsonValue:
        """Return the list."""
        limit = call.fields.limit
        found = self.lister(call.client)(**{**dict(call.fields), "limit": limit + 1})
        has_more = len(found) + len(found.unreadable) > limit
        left_out = [found.unsearched] if found.unsearched else []
        call.notes += left_out
        unreadable = unreadable_of(call, found, self.called or self.listed)
        return {self.listed: found[:limit], "unreadable": unreadable, "has_more": has_more, "left_out": left_out}


class Writing(StepType):
    """A step that writes to a repository; writes to the same one are serialized."""

    service = "github"
    effect = Effect.WRITES

    def target(self, fields: Any) -> str:
        """Return the repository in lower case."""
        return str(fields.repository).strip().lower()


class FindableWriting(Writing):
    """A write that is found again by its marker."""

    repeat = Repeat.FINDABLE
    # Listing is consistent, but an interrupted request may still be running for some seconds.
    lag_seconds = 5.0
