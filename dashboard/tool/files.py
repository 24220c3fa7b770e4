"""The files of a tool: one is picked and edited; further ones are added and deleted."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.base import session
from dashboard.base.code import EditorMark, EditorMode, language_of
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.editing.text_editor import Editing, SavedFile, is_changed, text_editor
from dashboard.parts.buttons import action_button
from dashboard.tool.tests import marks
from engine.tools.editing import ToolText
from engine.tools.tools import ToolInfo

_HEIGHT = 420


def files_tab(visit: Visit, tool: ToolInfo) -> None:
    """Show the files of a tool."""
    files = {one.path: one for one in visit.orchestra.tool_files.list(visit.who, tool.name)}
    picker = f"tool-file-{tool.name}"
    if session.widget_value(picker, "") not in files:  # it was deleted
        session.set_widget(picker, next(iter(files)))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        path = st.selectbox(t("File"), list(files), key=picker, width=420)
        if visit.may("edit"):
            if st.button(t("Add a file"), key=f"tool-add-{tool.name}", icon=":material/add:"):
                _add(visit, tool.name)
            if path != "tool.json" and st.button(
                t("Delete"), key=f"tool-delete-{tool.name}", type="tertiary", icon=":material/delete:"
            ):
                _delete(visit, tool.name, files[path])
    waiting = [one for one in files if one != path and is_changed("tool", f"{tool.name}/{one}")]
    if waiting:
        st.caption(t("Not saved yet: {files}.", files=plain(", ".join(waiting))))
    _editor(visit, tool, files[path])


def _editor(visit: Visit, tool: ToolInfo, file: ToolText) -> None:
    if file.text is None:
        st.info(t("This file is not text, so it cannot be edited here."), icon=":material/description:")
        return
    if file.path == "requirements.lock":
        st.caption(t("Lock the packages writes this file."))
        st.code(file.text, language=None)
        return
    files, found = visit.orchestra.tool_files, marks(tool, file)

    def save(text: str, etag: str) -> SavedFile:
        whole = text if text.endswith("\n") else text + "\n"
        kept = files.save(visit.who, tool.name, file.path, whole, etag)
        return SavedFile(kept.text or "", kept.etag)

    editing = Editing(
        "tool",
        f"{tool.name}/{file.path}",
        t("Content"),
        _HEIGHT,
        EditorMode(language_of(file.path), is_document=True),
        t("Saved. Run the tests: until they pass, no workflow can use the tool."),
        save=save,
        check=lambda text: files.check(visit.who, tool.name, file.path, text),
        marks=found,
    )
    text_editor(visit, editing, SavedFile(file.text, file.etag))
    _places(found)


def _places(found: Sequence[EditorMark]) -> None:
    for one in found:
        said = plain(one.message.partition("\n")[0])
        st.error(f"**{plain(t('Line {line}', line=one.line))}** · {said}", icon=":material/error:")


@dialog(N_("Add a file"), icon=":material/add:")
def _add(visit: Visit, name: str) -> None:
    path = st.text_input(t("Path in the folder of the tool"), value="tests/another.json", key="tool-new-file")
    text = '{"input": {}, "output": {}}\n' if path.startswith("tests/") and path.endswith(".json") else "\n"

    def add(_request_key: str) -> str:
        return visit.orchestra.tool_files.save(visit.who, name, path.strip(), text, None).path

    action_button(t("Add"), "tool-new-file-make", add, lambda made: _open(name, made), scope=path, type="primary")


@dialog(N_("Delete"), icon=":material/delete:")
def _delete(visit: Visit, name: str, file: ToolText) -> None:
    st.markdown(t("Delete **{file}**? Versions that passed their tests keep it.", file=plain(file.path)))

    def delete(_request_key: str) -> None:
        visit.orchestra.tool_files.delete(visit.who, name, file.path, file.etag)

    action_button(
        t("Delete"),
        "tool-delete-file",
        delete,
        lambda _: st.rerun(),
        scope=f"{name} {file.path} {file.etag}",
        type="primary",
    )


def _open(name: str, path: str) -> None:
    session.set_widget(f"tool-file-{name}", path)
    st.rerun()
