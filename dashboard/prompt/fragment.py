"""The editor of a fragment, and the dialog that creates one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.code import Code, marks_of
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import problem_list
from dashboard.parts.file_dialogs import FRAGMENT, free_name, name_field, names, open_file
from dashboard.parts.unsaved import difference, elsewhere, is_asking, keep, prefix
from engine.base.errors import StaleEdit
from engine.prompts.fragment_files import Fragment
from engine.workspace.drafts import Draft as Unsaved

_HEIGHT = 320


@dataclass(frozen=True)
class _Draft:
    """The opened text (`base`, `etag`), and the text that the widget of this `revision` began with."""

    name: str
    base: str
    etag: str
    seed: str
    revision: int = 0

    @property
    def key(self) -> str:
        return f"editor-fragment-{self.name}-{self.revision}"

    @property
    def typed(self) -> str:
        """What the widget holds."""
        return str(session.widget_value(self.key, self.seed))

    @property
    def is_changed(self) -> bool:
        return self.typed.rstrip() != self.base.rstrip()

    @property
    def slot(self) -> str:
        return f"{prefix('fragment', self.name)}text"

    def kept(self) -> dict[str, Any]:
        """Return what `fields.text_area` needs to recognise the field after a reload."""
        return {"key": self.key, "slot": self.slot, "base": self.etag, "restored": self._restored}

    def _restored(self, etag: str) -> None:
        if etag and etag != self.etag:  # somebody else has saved since: a conflict
            _keep(replace(self, etag=etag))


def fragment_editor(visit: Visit, file: Fragment) -> None:
    """Show the text of a fragment; people with the right can change it."""
    if not visit.may("edit"):
        outside_code(file.text, None)
        problem_list(file.problems, file.text)
        return
    if is_asking(visit, "fragment", file.name, file.text, lambda unsaved: _begin(file, unsaved)):
        return
    draft = _opened(file)
    keep(visit, "fragment", file.name, draft.typed if draft.is_changed else None, draft.etag)
    elsewhere(visit, "fragment", file.name, draft.typed, draft.etag, lambda unsaved: _begin(file, unsaved))
    _save_bar(visit, file, draft)
    code = Code("prompt", fragments=[one for one in visit.orchestra.fragments.names(visit.who) if one != file.name])
    fields.text_area(t("Text"), draft.seed, height=_HEIGHT, code=code, persist_state="session", **draft.kept())
    found = visit.orchestra.fragments.check(visit.who, file.name, draft.typed)
    fields.mark(draft.slot, marks_of(found))
    if found:
        problem_list(found, draft.typed)


def _save_bar(visit: Visit, file: Fragment, draft: _Draft) -> None:
    if draft.etag != file.etag:
        _conflict(visit, file, draft)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        _save_button(visit, draft, file.etag, t("Save"), "save-fragment")
        if draft.is_changed:
            st.button(t("Undo all"), key=f"undo-fragment-{file.name}", type="tertiary", on_click=_again, args=(file,))
            st.caption(t("Not saved yet."))


def _save_button(visit: Visit, draft: _Draft, etag: str, label: str, key: str) -> None:
    text = draft.typed

    def save(_request_key: str) -> Fragment | StaleEdit:
        try:
            return visit.orchestra.fragments.save(visit.who, draft.name, text, etag)
        except StaleEdit as error:  # shown on the page; what is typed stays
            return error

    def after(saved: Fragment | StaleEdit) -> None:
        if isinstance(saved, Fragment):
            _begin(saved)
            session.tell(t("Saved. Versions of prompts keep the text that they were saved with."))
        st.rerun()

    action_button(label, f"{key}-{draft.name}", save, after, scope=f"{etag} {hash(text)}", type="primary")


def _conflict(visit: Visit, file: Fragment, draft: _Draft) -> None:
    st.error(
        t("Somebody has saved this fragment since you opened it. Your text is still below; nothing was overwritten."),
        icon=":material/sync_problem:",
    )
    outside_code(difference(file.text, draft.typed, t("saved meanwhile"), t("yours")), "diff")
    with st.container(horizontal=True):
        _save_button(visit, draft, file.etag, t("Overwrite with mine"), "overwrite-fragment")
        st.button(t("Use theirs"), key=f"theirs-fragment-{file.name}", on_click=_again, args=(file,))


@dialog(N_("New fragment"), icon=":material/add:")
def new_fragment(visit: Visit) -> None:
    """Ask for a name and a text, and create a fragment."""
    name = name_field(t("Name"), free_name("tone", names(visit, FRAGMENT)), "new-fragment-name")
    text = fields.text_area(t("Text"), key="new-fragment-text")
    st.caption(t('Prompts name it, as in `{{ fragment("tone") }}`. It may have variables and name other fragments.'))

    def make(_request_key: str) -> str:
        made = visit.orchestra.fragments.save(visit.who, name.strip(), text, None).name
        fields.forget("new-fragment-text")
        return made

    action_button(
        t("Create"),
        "new-fragment-make",
        make,
        lambda made: open_file(visit, FRAGMENT, made, "made"),
        scope=f"{name} {hash(text)}",
        type="primary",
    )


def _opened(file: Fragment) -> _Draft:
    """Return the current draft; a file changed elsewhere replaces a text that nobody has edited."""
    draft: _Draft | None = session.draft(_slot(file.name), None)
    if draft is None or (draft.etag != file.etag and not draft.is_changed):
        return _begin(file)
    return draft


def _begin(file: Fragment, unsaved: Unsaved | None = None) -> _Draft:
    before: _Draft | None = session.draft(_slot(file.name), None)
    begun = unsaved or file
    number = before.revision + 1 if before is not None else 0
    return _keep(_Draft(file.name, file.text, begun.etag, begun.text.removesuffix("\n"), number))


def _again(file: Fragment) -> None:
    _begin(file)


def _slot(name: str) -> str:
    return f"fragment.{name}"


def _keep(draft: _Draft) -> _Draft:
    session.keep_draft(_slot(draft.name), draft)
    return draft
