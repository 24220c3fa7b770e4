"""Names that become file names or addresses, ids that sort by time, and times that a person types."""

from __future__ import annotations

import re
import secrets
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from engine.base.clock import moment_of
from engine.base.errors import InvalidInput, UnknownName

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
RUN_ID = re.compile(r"\d{8}T\d{6}Z-[a-z2-7]{8}\Z")
_DEVICES = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}
_BASE32 = "234567abcdefghijklmnopqrstuvwxyz"  # in the order in which text sorts


@dataclass(frozen=True)
class HiddenNames:
    """The workflows that somebody may not see, because their `access` does not name them."""

    names: frozenset[str] = frozenset()
    """Their names now, and those that they had."""
    ids: frozenset[str] = frozenset()
    not_run: frozenset[str] = frozenset()
    """The names of the workflows that they may not run, whether they see them or not."""

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.names or self.ids or self.not_run)


NOTHING_HIDDEN = HiddenNames()


def checked_name(thing: str, name: str) -> str:
    """Return `name` if it may become a file name; raise InvalidInput otherwise.

    Allowed are up to 64 lower-case letters, digits, `-` and `_`, but no Windows device names: no such name can leave a
    folder.
    """
    if name in _DEVICES:
        raise InvalidInput(
            f"{name!r} cannot be the name of {_article(thing)} {thing}: Windows keeps it for a device.",
            remedy=f"Take a longer one, such as {name}-{thing}.",
        )
    if not NAME.match(name):
        raise InvalidInput(
            f"{name!r} cannot be the name of {_article(thing)} {thing}.",
            remedy="Use lower-case letters, digits, '-' and '_' (at most 64, a letter or digit first)"
            f"{_example(name)}.",
        )
    return name


def _article(thing: str) -> str:
    return "an" if thing[0] in "aeiou" else "a"


def is_file_name(name: str) -> bool:
    """Return whether `checked_name` accepts a name."""
    return name not in _DEVICES and NAME.match(name) is not None


def branch_address(workflow: str, branch: str) -> str:
    """Return the name under which a branch of a workflow is read, edited and run: `inbox-triage@labels`."""
    return f"{checked_name('workflow', workflow)}@{checked_name('branch', branch)}"


def is_branch(name: str) -> bool:
    """Return whether a name belongs to a branch of a workflow."""
    return "@" in name


def branch_parts(name: str) -> tuple[str, str]:
    """Return (workflow, branch) of the name of a workflow; the branch is "" if it names none."""
    workflow, _, branch = name.partition("@")
    return workflow, branch


def workflow_id(document: Mapping[str, Any], name: str) -> str:
    """Return the id of a workflow from its document; without one, its name is its id.

    It stays the same when the file is renamed, and receipts, triggers and consent refer to it. A branch shares none of
    them with its workflow: its name is part of its id.
    """
    workflow, branch = branch_parts(name)
    found = document.get("id")
    id_ = found if isinstance(found, str) else workflow
    return f"{id_}@{branch}" if branch else id_


def workflow_id_of(run: Mapping[str, Any]) -> str:
    """Return the id of a run's workflow from the run's acceptance or document."""
    return workflow_id(run["definition"]["workflow"], run["workflow"])


def checked_workflow(name: str) -> str:
    """Return the name of a workflow, or of a branch of one. Raises InvalidInput as `checked_name`."""
    return branch_address(*branch_parts(name)) if is_branch(name) else checked_name("workflow", name)


def file_stem(name: str) -> str:
    """Return the path of the file of a workflow or branch in its folder, without its ending.

    >>> file_stem("inbox-triage@labels")
    'inbox-triage.branches/labels'
    """
    return name.replace("@", ".branches/", 1)


def require_no_branch(name: str, what: str, instead: str = "") -> None:
    """Raise InvalidInput if a name belongs to a branch.

    `what`: what a branch never does. `instead`: what a person can do besides merging it.
    """
    workflow, branch = branch_parts(name)
    if branch:
        raise InvalidInput(
            f"{name!r} is a branch, and a branch {what}.",
            remedy=f"Merge it first: `orchestra workflows merge {workflow} {branch}`{instead}.",
        )


def usable_name(text: str) -> str:
    """Return `text` reduced to a valid name; empty if nothing remains."""
    plain = unicodedata.normalize("NFKD", text.strip()).casefold().replace("ı", "i")
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    name = re.sub(r"[^a-z0-9_]+", "-", letters).strip("-_")[:64].rstrip("-_")
    return "" if name in _DEVICES else name


def _example(name: str) -> str:
    found = usable_name(name)
    return f", such as {found!r}" if found else ""


def child(folder: Path, file_name: str) -> Path:
    """Return folder/file_name; raise InvalidInput if that is a link or leaves the folder."""
    path = folder / file_name
    if path.is_symlink() or path.parent.resolve() != folder.resolve():
        raise InvalidInput(f"{path} is a link.", remedy="Put a plain file in its place.")
    return path


def new_run_id(now: datetime) -> str:
    """Return `yyyymmddThhmmssZ-` and 8 letters: the id sorts by time and is unique without coordination.

    The first two letters encode the milliseconds, so that runs of one second sort, too. The others are random, but
    within one millisecond of this process each id sorts after the one before.
    """
    moment = now.astimezone(UTC)
    milliseconds = moment.microsecond // 1000
    letters = _BASE32[milliseconds // 32] + _BASE32[milliseconds % 32]
    return _LATEST.after(f"{moment:%Y%m%dT%H%M%SZ}-{letters}")


class _Latest:
    """The latest id that this process has made."""

    def __init__(self) -> None:
        self._begin, self._number = "", 0
        self._lock = threading.Lock()

    def after(self, begin: str) -> str:
        """Return an id with this beginning; if the latest id has the same, the new one sorts after it."""
        with self._lock:
            is_same = begin == self._begin
            self._number = self._number + 1 + secrets.randbelow(_STEP) if is_same else secrets.randbelow(_FIRST)
            self._begin = begin
            # six letters of five bits each, the highest bits first: so ids sort as their numbers
            return begin + "".join(_BASE32[self._number >> shift & 31] for shift in range(25, -1, -5))


_FIRST, _STEP = 32**6 // 2, 1024
"""The range of the first number in a millisecond, and of the steps to the next: half a million fit."""
_LATEST = _Latest()


def checked_run_id(run_id: str) -> str:
    """Return `run_id` if it is well-formed; raise UnknownName otherwise, since no run has that name."""
    if not RUN_ID.match(run_id):
        raise UnknownName("run", run_id, remedy="`orchestra runs list` shows what there is.")
    return run_id


def run_day(run_id: str) -> str:
    """Return the day folder of a run id, e.g. `2026-11-20`."""
    return f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}"


def typed_moment(text: str, zone: tzinfo | None = None) -> datetime:
    """Return a time that a person gave, in UTC; without an offset it is in `zone`. Raises InvalidInput."""
    try:
        moment = moment_of(text)
    except ValueError:
        remedy = "Write one of the years 1 to 9999, such as 2026-05-01 or 2026-05-01T08:00:00Z."
        raise InvalidInput(f"{text!r} is not a time.", remedy=remedy) from None
    if moment.tzinfo is None and zone is None:
        raise InvalidInput(f"{text!r} does not say in which time zone.", remedy="Add Z (UTC) or an offset.")
    return in_utc(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def in_utc(moment: datetime) -> datetime:
    """Return an aware time in UTC. Raises InvalidInput if its year in UTC is out of range."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        remedy = "Give a time of the years 1 to 9999."
        raise InvalidInput(f"{moment.isoformat()} is outside the calendar in UTC.", remedy=remedy) from None
