"""The editor of a fragment, and the dialog that creates one."""

from __future__ import annotations

import streamlit as st

from dashboard.base import fields
from dashboard.base.code import EditorMode
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.editing.text_editor import Editing, SavedFile, text_editor
from dashboard.parts.buttons import action_button
from dashboard.parts.file_dialogs import FRAGMENT, free_name, name_field, names, open_file
from engine.prompts.fragment_files import Fragment

_HEIGHT = 320


def fragment_editor(visit: Visit, file: Fragment) -> None:
    """Show the text of a fragment; people with the right can change it."""
    fragments, name = visit.orchestra.fragments, file.name
    editing = Editing(
        "fragment",
        name,
        t("Text"),
        _HEIGHT,
        EditorMode("prompt", fragments=[one for one in fragments.names(visit.who) if one != name]),
        t("Saved. Versions of prompts keep the text that they were saved with."),
        save=lambda text, etag: _saved(fragments.save(visit.who, name, text, etag)),
        check=lambda text: fragments.check(visit.who, name, text),
    )
    text_editor(visit, editing, _saved(file))


def _saved(file: Fragment) -> SavedFile:
    return SavedFile(file.text, file.etag)


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
