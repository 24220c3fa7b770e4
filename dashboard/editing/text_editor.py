"""The editor of a plain file, such as a fragment: its text is never lost, and never put over somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.code import EditorMark, EditorMode, marks_of
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import problem_list
from dashboard.parts.unsaved import difference, elsewhere, is_asking, keep, prefix
from engine.base.errors import StaleEdit
from engine.base.problem import Problem
from engine.workspace.drafts import Draft as Unsaved
from engine.workspace.drafts import Kind


@dataclass(frozen=True)
class SavedFile:
    """What a file holds now."""

    text: str
    etag: str


@dataclass(frozen=True)
class Editing:
    """How a file is edited; `kind` and `name` distinguish it from all others."""

    kind: Kind
    name: str
    label: str
    height: int
    code: EditorMode
    said: str
    """The message after it was saved."""
    save: Callable[[str, str], SavedFile]
    """Saves a text in place of the one with this etag. Raises StaleEdit."""
    check: Callable[[str], Sequence[Problem]]
    marks: Sequence[EditorMark] = ()
    """Further marks in the text; they hold only as long as it is as it was saved."""


@dataclass(frozen=True)
class _Draft:
    """The opened text (`base`, `etag`), and the text that the widget of this `revision` began with."""

    kind: Kind
    name: str
    base: str
    etag: str
    seed: str
    revision: int = 0

    @property
    def key(self) -> str:
        return f"editor-{self.kind}-{self.name}-{self.revision}"

    @property
    def typed(self) -> str:
        """What the widget holds."""
        return str(session.widget_value(self.key, self.seed))

    @property
    def is_changed(self) -> bool:
        return self.typed.rstrip() != self.base.rstrip()

    @property
    def slot(self) -> str:
        return f"{prefix(self.kind, self.name)}text"

    def kept(self) -> dict[str, Any]:
        """Return what `fields.text_area` needs to recognise the field after a reload."""
        return {"key": self.key, "slot": self.slot, "base": self.etag, "restored": self._restored}

    def _restored(self, etag: str) -> None:
        if etag and etag != self.etag:  # somebody else has saved since: a conflict
            _keep(replace(self, etag=etag))


def text_editor(visit: Visit, it: Editing, file: SavedFile) -> None:
    """Show the text of a file, to be changed by people with the right."""
    if not visit.may("edit"):
        outside_code(file.text, None)
        problem_list(it.check(file.text), file.text)
        return
    if is_asking(visit, it.kind, it.name, file.text, lambda unsaved: _begin(it, file, unsaved)):
        return
    draft = _opened(it, file)
    keep(visit, it.kind, it.name, draft.typed if draft.is_changed else None, draft.etag)
    elsewhere(visit, it.kind, it.name, draft.typed, draft.etag, lambda unsaved: _begin(it, file, unsaved))
    with st.container():  # one place, so that the editor does not move when a conflict is found
        _save_bar(it, file, draft)
    kept = draft.kept()
    fields.text_area(it.label, draft.seed, height=it.height, code=it.code, persist_state="session", **kept)
    found = it.check(draft.typed)
    fields.mark(draft.slot, [*marks_of(found), *(() if draft.is_changed else it.marks)])
    if found:
        problem_list(found, draft.typed)


def is_changed(kind: Kind, name: str) -> bool:
    """Return whether the text in an editor that was opened is not saved."""
    draft: _Draft | None = session.draft(_slot(kind, name), None)
    return draft is not None and draft.is_changed


def _save_bar(it: Editing, file: SavedFile, draft: _Draft) -> None:
    if draft.etag != file.etag:
        _conflict(it, file, draft)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        _save_button(it, draft, file.etag, t("Save"), "save")
        if draft.is_changed:
            key = f"undo-{it.kind}-{it.name}"
            st.button(t("Undo all"), key=key, type="tertiary", on_click=_again, args=(it, file))
            st.caption(t("Not saved yet."))


def _save_button(it: Editing, draft: _Draft, etag: str, label: str, key: str) -> None:
    text = draft.typed

    def save(_request_key: str) -> SavedFile | StaleEdit:
        try:
            return it.save(text, etag)
        except StaleEdit as error:  # shown on the page; what is typed stays
            return error

    def after(saved: SavedFile | StaleEdit) -> None:
        if isinstance(saved, SavedFile):
            _begin(it, saved)
            session.tell(it.said)
        st.rerun()

    scope = f"{etag} {hash(text)}"
    action_button(label, f"{key}-{it.kind}-{it.name}", save, after, scope=scope, type="primary")


def _conflict(it: Editing, file: SavedFile, draft: _Draft) -> None:
    st.error(
        t("Somebody has saved this file since you opened it. Your text is still below; nothing was overwritten."),
        icon=":material/sync_problem:",
    )
    outside_code(difference(file.text, draft.typed, t("saved meanwhile"), t("yours")), "diff")
    with st.container(horizontal=True):
        _save_button(it, draft, file.etag, t("Overwrite with mine"), "overwrite")
        st.button(t("Use theirs"), key=f"theirs-{it.kind}-{it.name}", on_click=_again, args=(it, file))


def _opened(it: Editing, file: SavedFile) -> _Draft:
    """Return the current draft; a file changed elsewhere replaces a text that nobody has edited."""
    draft: _Draft | None = session.draft(_slot(it.kind, it.name), None)
    if draft is None or (draft.etag != file.etag and not draft.is_changed):
        return _begin(it, file)
    return draft


def _begin(it: Editing, file: SavedFile, unsaved: Unsaved | None = None) -> _Draft:
    before: _Draft | None = session.draft(_slot(it.kind, it.name), None)
    begun = unsaved or file
    number = before.revision + 1 if before is not None else 0
    return _keep(_Draft(it.kind, it.name, file.text, begun.etag, begun.text.removesuffix("\n"), number))


def _again(it: Editing, file: SavedFile) -> None:
    _begin(it, file)


def _slot(kind: Kind, name: str) -> str:
    return f"{kind}.{name}"


def _keep(draft: _Draft) -> _Draft:
    session.keep_draft(_slot(draft.kind, draft.name), draft)
    return draft
