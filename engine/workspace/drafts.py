"""Unsaved texts, kept for the person who typed them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from engine.base.clock import Clock
from engine.base.errors import InvalidInput, StaleEdit
from engine.base.names import checked_name, timestamp
from engine.documents.json_file import LARGEST_BYTES
from engine.files import atomic as files
from engine.people.access import Principal, require
from engine.store.settings import Settings

Kind = Literal["workflow", "prompt", "fragment"]


@dataclass(frozen=True)
class Draft:
    """An unsaved text; `etag` is that of the file it is based on, `kept_at` RFC 3339 text in UTC."""

    text: str
    etag: str
    kept_at: str

    @property
    def revision(self) -> str:
        """A text that changes whenever the draft does."""
        return files.etag(f"{self.kept_at} {self.etag} {self.text}")


class Drafts:
    """The `drafts` facet: one text per person and file. Nobody else sees drafts, so changes have no audit line."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock

    def keep(
        self, p: Principal, kind: Kind, name: str, text: str, etag: str = "", *, after: str | None = None
    ) -> Draft:
        """Store a text and return once it is on disk.

        `after` is the revision of the draft it replaces, "" if none was known; None replaces any. Raises StaleEdit if
        another window of the same person has stored something else meanwhile, NotAllowed, InvalidInput.
        """
        key = _key(p, kind, name)
        if len(text.encode("utf-8", "replace")) > LARGEST_BYTES:
            raise InvalidInput(f"The text is larger than the {LARGEST_BYTES:,} bytes that a file may have.")
        draft = Draft(text, etag, timestamp(self._clock()))

        def change(kept: str) -> str:
            there = _draft(kept)
            if after is not None and there is not None and there.revision != after and there.text != text:
                raise StaleEdit(f"Another window has since saved a draft of the {kind} {name}, at {there.kept_at}.")
            return json.dumps({"text": text, "etag": etag, "kept_at": draft.kept_at})

        self._settings.change(key, change)
        return draft

    def get(self, p: Principal, kind: Kind, name: str) -> Draft | None:
        """Return the person's draft, or None. Raises NotAllowed, InvalidInput."""
        return _draft(self._settings.get(_key(p, kind, name)))

    def drop(self, p: Principal, kind: Kind, name: str, *, revision: str | None = None) -> None:
        """Delete the person's draft; with a `revision`, only that one. Raises NotAllowed, InvalidInput."""

        def change(kept: str) -> str | None:
            there = _draft(kept)
            is_other = revision is not None and there is not None and there.revision != revision
            return kept if is_other else None

        self._settings.change(_key(p, kind, name), change)

    def follow(self, kind: Kind, name: str, new: str = "") -> None:
        """Rename all drafts of a renamed file; delete them if there is no new name.

        Older drafts under the new name belong to no file, and are deleted.
        """

        def moved(kept: dict[str, str]) -> dict[str, str]:
            old, mine = f".{kind}.{name}", f".{kind}.{new}"
            left = {key: value for key, value in kept.items() if not key.endswith((old, mine))}
            theirs = {key: value for key, value in kept.items() if key.endswith(old)} if new else {}
            return left | {key.removesuffix(old) + mine: value for key, value in theirs.items()}

        self._settings.change_all("draft.", moved)


def is_draft_of(user_id: str, key: str) -> bool:
    """Return whether a setting is a draft of a person."""
    return key.startswith("draft.") and key.rsplit(".", 2)[0] == f"draft.{user_id}"  # an id may have dots


def _draft(kept: str) -> Draft | None:
    return Draft(**json.loads(kept)) if kept else None


def _key(p: Principal, kind: Kind, name: str) -> str:
    require(p, "edit", f"edit a {kind}")
    return f"draft.{p.id}.{kind}.{checked_name(kind, name)}"
