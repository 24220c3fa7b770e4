"""A file that is being edited: what was opened, what its widgets began with, and the resulting text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from dashboard.base import fields, session
from dashboard.parts.unsaved import prefix
from engine.documents.json_file import object_in
from engine.workspace.drafts import Draft as Unsaved
from engine.workspace.drafts import Kind

FIELDS, JSON = "Fields", "JSON"


class Opened(Protocol):
    """A file as the engine returns it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def text(self) -> str:
        """Its text."""

    @property
    def etag(self) -> str:
        """What changes with the text."""


@dataclass(frozen=True)
class EditorDraft:
    """The opened file (`base`, `etag`), and the text that the widgets of this `revision` began with."""

    name: str
    base: str
    etag: str
    seed: str
    revision: int = 0
    mode: str = FIELDS
    kind: Kind = "prompt"

    def key(self, field: str) -> str:
        """Return the key of a widget; each revision has its own, so that the widgets are reset."""
        return f"editor-{self.kind}-{self.name}-{self.revision}-{field}"

    def slot(self, field: str) -> str:
        """Return the slot of a field."""
        return f"{prefix(self.kind, self.name)}{field}"

    def kept(self, field: str) -> dict[str, Any]:
        """Return what `fields.text_area` needs to recognise a field after a reload."""
        return {"key": self.key(field), "slot": self.slot(field), "base": self.etag, "restored": self._restored}

    def _restored(self, etag: str) -> None:
        if etag and etag != self.etag:  # somebody else has saved since: a conflict
            keep_draft(replace(self, etag=etag))


@dataclass(frozen=True)
class TypedDraft:
    """What the widgets hold: the text of the file, or the field that is not JSON (`wrong_field`) and why (`wrong`)."""

    text: str
    wrong_field: str = ""
    wrong: str = ""


def known_draft(kind: Kind, name: str) -> EditorDraft | None:
    """Return the draft of this session, if there is one."""
    return session.draft(_slot(kind, name), None)


def begin_draft(kind: Kind, file: Opened, unsaved: Unsaved | None = None) -> EditorDraft:
    """Start from the file, or from an unsaved text: a conflict, if the file has changed since."""
    before = known_draft(kind, file.name)
    mode = before.mode if before is not None else FIELDS
    begun = unsaved or file
    return keep_draft(EditorDraft(file.name, file.text, begun.etag, begun.text, _next(before), mode, kind))


def reseed(draft: EditorDraft, text: str, *, mode: str | None = None) -> None:
    """Reset the widgets to a text that is not saved.

    The field that is shown next may have a text which the server has not seen: typed just before a reload.
    """
    begin_of = prefix(draft.kind, draft.name)
    fields.forget(begin_of, but=f"{begin_of}text" if mode == JSON else "")
    keep_draft(replace(draft, seed=text, revision=_next(draft), mode=mode or draft.mode))


def next_draft(draft: EditorDraft, **changes: Any) -> EditorDraft:
    """Keep a draft with these changes, and new widgets."""
    return keep_draft(replace(draft, revision=_next(draft), **changes))


def differs(draft: EditorDraft, now: TypedDraft) -> bool:
    """Return whether what the widgets hold differs from the file."""
    return bool(now.wrong) or _meaning(now.text) != _meaning(draft.base)


def field_text(document: Mapping[str, Any], name: str) -> str:
    """Return a JSON field as text for its editor."""
    value = document.get(name)
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)


def put(document: dict[str, Any], name: str, before: str, text: str, value: Any = None) -> None:
    """Set a field whose text has changed; remove it if it is empty."""
    if text == before:
        return
    if text.strip():
        document[name] = text if value is None else value
    else:
        document.pop(name, None)


def _meaning(text: str) -> Any:
    document = object_in(text)
    return text if document is None else document


def _slot(kind: Kind, name: str) -> str:
    return f"{kind}.{name}"


def _next(draft: EditorDraft | None) -> int:
    return draft.revision + 1 if draft is not None else 0


def keep_draft(draft: EditorDraft) -> EditorDraft:
    """Keep a draft for this session, and return it."""
    session.keep_draft(_slot(draft.kind, draft.name), draft)
    return draft
