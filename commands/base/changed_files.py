"""What commands say that rename, delete or restore a file of the workspace; each returns the exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from commands.base.failures import DONE
from commands.base.screen import document, local_time, note, say, table

if TYPE_CHECKING:
    from engine.base.problem import Problem
    from engine.workspace.history import ListedVersion
    from engine.workspace.versioned_files import SavedVersion


OneListed = TypeVar("OneListed", bound="ListedVersion")


class RestoredFile(Protocol):
    """A file that has an earlier text again."""

    @property
    def etag(self) -> str:
        """What changes with the text."""

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with it."""


def renamed(kind: str, name: str, new: str, changed: Sequence[str], changed_kind: str, *, as_json: bool) -> int:
    """As `say_renamed`, or as a document."""
    if as_json:
        document({"name": new, changed_kind: changed})
    else:
        say_renamed(kind, name, new, changed)
    return DONE


def say_renamed(kind: str, name: str, new: str, changed: Sequence[str]) -> None:
    """Say the new name of a file, and which others were changed for it."""
    say(f"The {kind} {name!r} is now called {new!r}.")
    if changed:
        say(f"Also changed: {', '.join(changed)}.")


def deleted(kind: str, name: str, trash: Path, back: str = "move its files back", *, as_json: bool) -> int:
    """As `say_deleted`, or as a document."""
    if as_json:
        document({"name": name, "trash": trash.name})
    else:
        say_deleted(kind, name, trash, back)
    return DONE


def say_deleted(kind: str, name: str, trash: Path, back: str = "move its files back") -> None:
    """Say where a deleted file is now; `back`: what a person does to restore it."""
    say(f"The {kind} {name!r} is in {trash}; {back} to restore it.")


def say_versions(found: Sequence[OneListed], zone: str, **more: Callable[[OneListed], object]) -> None:
    """Say the versions of a file: their ids, times and authors, and `more` columns."""
    rows = [
        [
            one.id,
            local_time(one.saved_at, zone) if one.saved_at else "",
            one.words,
            *(value(one) for value in more.values()),
        ]
        for one in found
    ]
    table(["ID", "SAVED", "BY", *more], rows)


def say_labelled_versions(found: Sequence[SavedVersion], zone: str) -> None:
    """Say the versions of a file, with their numbers and labels."""
    say_versions(found, zone, VERSION=lambda one: one.number or "", LABELS=lambda one: ", ".join(one.labels))


def restored(kind: str, name: str, version: str, found: RestoredFile, *, as_json: bool) -> int:
    """Say that a file has an earlier text again, with its problems."""
    if as_json:
        document(found)
        return DONE
    say(f"The {kind} {name!r} has its text of {version!r} again.")
    for problem in found.problems:
        note(f"{problem.severity}: {problem}")
    return DONE
