"""What the steps that work on GitHub have in common: the repository, lists, writes to it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, create_model

from engine.step import Call, Effect, Fields, JsonValue, Output, Repeat, StepType, destination, option, outside

MOST = 1000


class Repository(Fields):
    """What every step on GitHub takes."""

    repository: str = destination("Repository", format="github-repository", min_length=1)


class Limited(Repository):
    """How much of a list."""

    limit: int = option("At most", 25, ge=1, le=MOST)


class Part(BaseModel):
    """Something inside an output."""

    model_config = ConfigDict(extra="forbid")


class Listed(Output):
    """A list; `has_more` tells that it was cut."""

    has_more: bool


class ThreadText(Part):
    """What issues and pull requests have in common."""

    id: int
    number: int
    url: str
    title: str = outside("Title")
    state: str
    body: str = outside("Body")
    labels: list[str] = outside("Labels")
    assignees: list[str]
    author: str
    created_at: str
    updated_at: str
    closed_at: str | None


class ChangedFile(Part):
    """A file that a change touches; `patch` is a part of the diff."""

    path: str = outside("Path")
    status: str
    additions: int
    deletions: int
    patch: str = outside("Changes")


class Changes(Output):
    """The files of a change; `is_cut` tells that files, or parts of their changes, are left out."""

    files: list[ChangedFile]
    file_count: int
    is_cut: bool


class WithChanges(Repository):
    """How much of a change is read."""

    max_files: int = option("Files at most", 50, ge=0, le=300)
    max_characters: int = option("Characters of changes at most", 60_000, ge=0, le=1_000_000)


class Reading(StepType):
    """A step that reads from GitHub."""

    service = "github"
    effect = Effect.READS


class Listing(Reading):
    """A step that lists something; one more than is wanted is asked for, to know whether there is more."""

    listed: ClassVar[str]
    """What the list is called in the output."""
    of: ClassVar[type[Part]]
    """What is listed."""

    def __init_subclass__(cls) -> None:
        """Make the output: the list, and whether it was cut."""
        items: Any = (list[cls.of], ...)  # type: ignore[name-defined]
        cls.output = create_model(f"{cls.__name__}Output", __base__=Listed, **{cls.listed: items})

    @abstractmethod
    def lister(self, client: Any) -> Any:
        """Give what lists them; it takes the fields by their names."""

    def call(self, call: Call) -> JsonValue:
        """List them."""
        limit = call.fields.limit
        found = self.lister(call.client)(**{**dict(call.fields), "limit": limit + 1})
        return {self.listed: found[:limit], "has_more": len(found) > limit}


class Writing(StepType):
    """A step that writes to a repository; writes to one go one at a time."""

    service = "github"
    effect = Effect.WRITES

    def target(self, fields: Any) -> str:
        """The repository, however its name is written."""
        return str(fields.repository).strip().lower()


class FindableWriting(Writing):
    """A write that is found again by the marker that it bears."""

    repeat = Repeat.FINDABLE
    # Listing is consistent, yet a request that was cut off may still be at work for some seconds.
    lag_seconds = 5.0
