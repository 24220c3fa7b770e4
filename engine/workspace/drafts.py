"""Unsaved texts, kept for the person who typed them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import quote

from engine.base.clock import Clock, timestamp
from engine.base.errors import InvalidInput, StaleEdit
from engine.base.names import checked_name, checked_workflow
from engine.documents.json_file import LARGEST_BYTES
from engine.documents.json_splice import difference
from engine.files import atomic as files
from engine.people.access import Principal, require
from engine.store.settings import Settings
from engine.workspace.revisions import Revision, bounded, revision_of, stored

Kind = Literal["workflow", "prompt", "fragment", "agent", "tool", "project"]
"""A file of a tool or a project is named by this and its path, `iban-check/main.py`."""


@dataclass(frozen=True)
class Draft:
    """An unsaved text; `etag` is from the file that it is based on, `kept_at` RFC 3339 text in UTC."""

    text: str
    etag: str
    kept_at: str
    revisions: tuple[Revision, ...] = field(default=(), compare=False, repr=False)
    """The last changes of the text, oldest first; only of workflows."""
    renames: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """The steps that have another id than in the file, (old, new): on saving, their receipts follow."""

    @property
    def rev(self) -> str:
        """The etag of the text."""
        return files.etag(self.text)

    @property
    def revision(self) -> str:
        """A text that changes whenever the draft does."""
        return files.etag(f"{self.kept_at} {self.etag} {self.text}")


class Drafts:
    """The `drafts` area: one text per person and file. Nobody else sees drafts, so changes have no audit line."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock

    def keep(
        self, p: Principal, kind: Kind, name: str, text: str, etag: str = "", *, after: str | None = None
    ) -> Draft:
        """Store a text and return once it is on disk.

        `after` is the revision of the draft it replaces, "" if no draft was known, None for any. Raises StaleEdit if
        another window of the same person has stored something else meanwhile, NotAllowed, InvalidInput.
        """
        key = _key(p, kind, name)
        if len(text.encode("utf-8", "replace")) > LARGEST_BYTES:
            raise InvalidInput(f"The text is larger than the {LARGEST_BYTES:,} bytes that a file may have.")
        draft = Draft(text, etag, timestamp(self._clock()))

        def change(kept: str) -> str:
            nonlocal draft
            there = _draft(kept)
            if after is not None and there is not None and there.revision != after and there.text != text:
                raise StaleEdit(f"Another window has since saved a draft of the {kind} {name}, at {there.kept_at}.")
            if there is not None and kind == "workflow":
                draft = _typed(there, draft)
            return _stored(draft)

        self._settings.change(key, change)
        return draft

    def revise(self, p: Principal, kind: Kind, name: str, known: Draft | None, new: Draft) -> bool:
        """Store a draft in place of the known one (None: there was no draft); return whether that was still current.

        Raises NotAllowed, InvalidInput.
        """
        if len(new.text.encode("utf-8", "replace")) > LARGEST_BYTES:
            raise InvalidInput(f"The text is larger than the {LARGEST_BYTES:,} bytes that a file may have.")
        is_done = False

        def change(kept: str) -> str | None:
            nonlocal is_done
            there = _draft(kept)
            is_done = _is_same(there, known)
            return _stored(new) if is_done else kept or None

        self._settings.change(_key(p, kind, name), change)
        return is_done

    def now(self) -> str:
        """Return the time for `kept_at`."""
        return timestamp(self._clock())

    def get(self, p: Principal, kind: Kind, name: str) -> Draft | None:
        """Return the person's draft, or None. Raises NotAllowed, InvalidInput."""
        return _draft(self._settings.get(_key(p, kind, name)))

    def texts(self, p: Principal, kind: Kind) -> dict[str, str]:
        """Return the texts of the person's drafts of a kind, by the names of their files. Raises NotAllowed."""
        require(p, "edit", f"edit a {kind}")
        begin = f"draft.{p.id}.{kind}."
        kept = {key: _draft(one) for key, one in self._settings.with_prefix(begin).items() if is_draft_of(p.id, key)}
        found = {key.removeprefix(begin): one.text for key, one in kept.items() if one is not None}
        return {name: text for name, text in found.items() if kind != "workflow" or p.sees(name)}

    def drop(self, p: Principal, kind: Kind, name: str, *, revision: str | None = None) -> None:
        """Delete the person's draft; with a `revision`, only that one. Raises NotAllowed, InvalidInput."""

        def change(kept: str) -> str | None:
            there = _draft(kept)
            is_other = revision is not None and there is not None and there.revision != revision
            return kept if is_other else None

        self._settings.change(_key(p, kind, name), change)

    def unsaved_by(self, kind: Kind, name: str, text: str) -> list[str]:
        """Return the ids of the people whose drafts of a file differ from its text, sorted."""
        kept = self._settings.with_prefix("draft.").items()
        drafts = {who: _draft(one) for key, one in kept if (who := _whose(key, kind, name))}
        return sorted(who for who, one in drafts.items() if one is not None and one.text.rstrip() != text.rstrip())

    def set_aside(self, kind: Kind, name: str, folder: Path) -> None:
        """Move all drafts of a deleted JSON file to its folder in the trash, as `<name>.draft-<person>.json`.

        Raises StorageError.
        """
        for key, kept in self._settings.with_prefix("draft.").items():
            draft, whose = _draft(kept), _whose(key, kind, name)
            if whose and draft is not None:
                person = quote(whose, safe="")
                text = draft.text.encode("utf-8", "replace")
                files.write_whole(folder / f"{name}.draft-{person[:100]}.json", text, files.PRIVATE_FILE)
        self.follow(kind, name)

    def follow(self, kind: Kind, name: str, new: str = "") -> None:
        """Rename all drafts of a renamed file; delete them if there is no new name.

        Older drafts under the new name belong to no file, and are deleted.
        """

        def moved(kept: dict[str, str]) -> dict[str, str]:
            left = {key: one for key, one in kept.items() if not _whose(key, kind, name) and not _whose(key, kind, new)}
            theirs = {who: one for key, one in kept.items() if (who := _whose(key, kind, name))} if new else {}
            return left | {f"draft.{who}.{kind}.{new}": one for who, one in theirs.items()}

        self._settings.change_all("draft.", moved)


def is_draft_of(user_id: str, key: str) -> bool:
    """Return whether a setting is a draft of a person."""
    begin = f"draft.{user_id}."
    kind, _, name = key.removeprefix(begin).partition(".")
    is_name = "." not in name.partition("/")[0]  # an id may have dots, and so may a file in the folder of a tool
    return key.startswith(begin) and kind in get_args(Kind) and is_name


def _whose(key: str, kind: Kind, name: str) -> str:
    """Return whose draft of a file a setting is; "" if it is not one."""
    begin, end = "draft.", f".{kind}.{name}"
    person = key[len(begin) : -len(end)]
    is_of_file = key.startswith(begin) and key.endswith(end)
    return person if is_of_file and "/" not in person else ""  # else it is a file in a folder, and named like a draft


def _typed(there: Draft, new: Draft) -> Draft:
    """Return a typed text with the revisions of the draft that it replaces, which it ends."""
    splices = difference(there.text, new.text)
    revision = Revision(new.rev, "change", "text edited", splices, base=there.rev)
    revisions = bounded([*there.revisions, revision]) if splices else there.revisions
    return Draft(new.text, new.etag, new.kept_at, revisions, there.renames)


def _draft(kept: str) -> Draft | None:
    if not kept:
        return None
    fields = json.loads(kept)
    revisions = tuple(revision_of(one) for one in fields.pop("revisions", ()))
    renames = tuple((old, new) for old, new in fields.pop("renames", ()))
    return Draft(**fields, revisions=revisions, renames=renames)


def _stored(draft: Draft) -> str:
    fields = {"text": draft.text, "etag": draft.etag, "kept_at": draft.kept_at}
    more = {"revisions": [stored(one) for one in draft.revisions], "renames": draft.renames}
    return json.dumps(fields | {key: value for key, value in more.items() if value})


def _is_same(one: Draft | None, other: Draft | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other and one.revisions == other.revisions


def _key(p: Principal, kind: Kind, name: str) -> str:
    require(p, "edit", f"edit a {kind}")
    checked_workflow(name) if kind == "workflow" else checked_name(
        kind, name.partition("/")[0] if kind in ("tool", "project") else name
    )
    return f"draft.{p.id}.{kind}.{name}"
