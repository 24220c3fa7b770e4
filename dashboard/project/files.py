"""The files of a project: one is picked and edited; saving it is a commit. Further ones are added and deleted."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.base import session
from dashboard.base.code import EditorMode, language_of
from dashboard.base.language import N_, dialog, t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import one_line, plain
from dashboard.editing.text_editor import Editing, SavedFile, is_changed, text_editor
from dashboard.parts.buttons import action_button
from engine.base.errors import InvalidInput
from engine.projects.records import FileInfo, ProjectInfo

_HEIGHT = 420


def files_tab(visit: Visit, project: ProjectInfo) -> None:
    """Show the files of a project."""
    files = {one.path: one for one in visit.orchestra.projects.files(visit.who, project.name)}
    path = _picked(visit, project.name, files)
    if not path:
        st.info(t("There is no file yet."), icon=":material/note_add:")
        return
    waiting = [one for one in files if one != path and is_changed("project", f"{project.name}/{one}")]
    if waiting:
        st.caption(t("Not saved yet: {files}.", files=plain(", ".join(waiting))))
    if files[path].is_protected:
        st.caption(t(":material/lock: Agents cannot change this file."))
    _editor(visit, project.name, path)


def _picked(visit: Visit, name: str, files: Mapping[str, FileInfo]) -> str:
    """Let the person choose a file; `?file=` names it. Return its path, empty without files."""
    picker = f"project-file-{name}"
    wanted = session.widget_value(picker, st.query_params.get("file", ""))
    chosen = wanted if wanted in files else min(files, key=lambda path: _rank(files[path]), default="")
    if files:
        session.set_widget(picker, chosen)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if files:
            path = st.selectbox(t("File"), list(files), key=picker, width=420, format_func=one_line)
            st.query_params["file"] = path
        else:
            path = ""
        if visit.may("edit"):
            if st.button(t("Add a file"), key=f"project-add-{name}", icon=":material/add:"):
                _add(visit, name)
            if path and st.button(
                t("Delete"), key=f"project-delete-file-{name}", type="tertiary", icon=":material/delete:"
            ):
                _delete(visit, files[path], name)
    return path


def _rank(file: FileInfo) -> tuple[bool, int, bool, int]:
    """Order files by how likely people want to see them first; hidden files are the last, protected ones late."""
    starts = ("index.html", "readme", "main.")
    name = file.path.rpartition("/")[2].lower()
    kind = next((place for place, start in enumerate(starts) if name.startswith(start)), len(starts))
    return file.path.startswith("."), kind, file.is_protected, file.path.count("/")


def _editor(visit: Visit, name: str, path: str) -> None:
    projects = visit.orchestra.projects
    try:
        file = projects.read(visit.who, name, path)
    except InvalidInput as error:
        st.info(plain(translated(f"{error.message} {error.remedy}".strip())), icon=":material/description:")
        return

    def save(text: str, etag: str) -> SavedFile:
        whole = text if text.endswith("\n") else text + "\n"
        kept = projects.save(visit.who, name, path, whole, etag)
        return SavedFile(kept.text, kept.etag)

    editing = Editing(
        "project",
        f"{name}/{path}",
        t("Content"),
        _HEIGHT,
        EditorMode(language_of(path), is_document=True),
        t("Saved as a commit."),
        save=save,
        check=lambda _text: [],
    )
    text_editor(visit, editing, SavedFile(file.text, file.etag))


@dialog(N_("Add a file"), icon=":material/add:")
def _add(visit: Visit, name: str) -> None:
    path = st.text_input(t("Path in the project"), value="notes.md", key="project-new-file", max_chars=200)

    def add(_request_key: str) -> str:
        return visit.orchestra.projects.save(visit.who, name, path.strip(), "\n", None).path

    action_button(t("Add"), "project-new-file-make", add, lambda made: _open(name, made), scope=path, type="primary")


@dialog(N_("Delete"), icon=":material/delete:")
def _delete(visit: Visit, file: FileInfo, name: str) -> None:
    st.markdown(t("Delete **{file}**? Earlier commits keep it.", file=plain(file.path)))

    def delete(_request_key: str) -> None:
        visit.orchestra.projects.remove(visit.who, name, file.path, file.etag)

    action_button(
        t("Delete"),
        "project-delete-file-do",
        delete,
        lambda _: _open(name, ""),
        scope=f"{name} {file.path} {file.etag}",
        type="primary",
    )


def _open(name: str, path: str) -> None:
    session.set_widget(f"project-file-{name}", path)
    st.query_params.pop("file", None)
    st.rerun()
