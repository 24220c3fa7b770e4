"""The files of the workspace: drop one, see its text and pages, and use it in a workflow."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, number, size_text, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Page, Visit
from dashboard.base.plain import one_line, outside_text, plain, plain_with_code
from dashboard.parts.buttons import action_button
from dashboard.parts.empty import empty
from dashboard.parts.errors import error_box, errors_shown
from dashboard.parts.file_dialogs import WORKFLOW, free_name, name_field, names
from dashboard.parts.header import page_header
from dashboard.parts.pick_table import pick_table
from dashboard.parts.popover import close, popover
from dashboard.parts.times import ago
from engine.base.errors import OrchestraError
from engine.base.json_text import compact
from engine.base.names import usable_name
from engine.data.workspace_files import FileEntry, FileTable, FileView

PAGE = Page(
    title=N_("Files"),
    icon=":material/folder_open:",
    path="files",
    order=50,
    section=N_("Data"),
    words=N_("documents upload PDF pages text"),
)
_SHOWN = 200
_FRESH_SECONDS = 60
_POPOVERS = ("files-use", "files-delete")


def show(visit: Visit) -> None:
    """Show the place to drop files, the list of files, and the one that is open."""
    how = (
        t("What workflows read and make. Drop a file to see its text and pages.")
        if visit.may("run")
        else t("What workflows read and make.")
    )
    page_header(visit, t("Files"), how)
    if visit.may("run"):
        _drop(visit)
    with errors_shown():
        _listed(visit)
        if visit.may("run"):
            _open(visit)
        elif st.query_params.get("file"):
            st.caption(t("Operators and editors can open files."))


def _drop(visit: Visit) -> None:
    """Store what is dropped, once: the field is empty again when the page is next drawn."""
    times = session.draft("files-dropped", 0)
    dropped = st.file_uploader(
        t("Add files: choose or drop them"), accept_multiple_files=True, key=f"files-drop-{times}"
    )
    if not dropped:
        return
    try:
        for one in dropped:
            st.query_params["file"] = visit.orchestra.files.add(visit.who, one.name, one).path
    except OrchestraError as error:
        error_box(error)
        return
    session.keep_draft("files-dropped", times + 1)
    session.tell(tn("{count} file is added.", "{count} files are added.", len(dropped)))
    st.rerun()


def _listed(visit: Visit) -> None:
    words = st.text_input(t("Search"), key="files-search", placeholder=t("A word in the name or the folder"))
    found = visit.orchestra.files.list(visit.who, words=words, limit=_SHOWN)
    if found.notes:
        st.info(plain(" ".join(map(translated, found.notes))), icon=":material/info:")
    if not found.files:
        if words:
            st.caption(t("No file has this in its path."))
        else:
            said = t("Files that workflows read or make, such as PDFs of invoices.")
            first = t("Drop the first one above.") if visit.may("run") else ""
            empty(f"{said} {first}".rstrip(), ":material/draft:")
        return
    columns = {"name": t("Name"), "folder": t("Folder"), "size": t("Size"), "changed": t("Changed")}
    pick_table("file", [one.path for one in found.files], [_row(one) for one in found.files], columns, alt=t("Files"))
    if found.has_more:
        st.caption(t("The first {shown} files; search for the others.", shown=_SHOWN))


def _row(one: FileEntry) -> dict[str, str]:
    folder, _, name = one.path.rpartition("/")
    return {
        "name": name,
        "folder": folder,
        "size": size_text(one.size_bytes),
        "changed": ago(one.modified_at),
    }


def _open(visit: Visit) -> None:
    path = st.query_params.get("file", "")
    if not path:
        return
    entry = next((one for one in visit.orchestra.files.list(visit.who, words=path).files if one.path == path), None)
    changed = entry.modified_at if entry else None
    with st.container(border=True, key="files-open"):
        view = _seen(visit, path, changed, _page_of(path))
        st.markdown(f"**{plain(path)}**")
        st.caption(" · ".join(_facts(view)))
        _buttons(visit, view)
        _pages(view)
        _content(view)


def _page_of(path: str) -> int:
    return session.widget_value(f"files-page-{path}", 1)


# `changed` is in the key of the cache, so that a file that was changed is read again at once.
@st.cache_data(ttl=_FRESH_SECONDS, max_entries=100, show_spinner=False)
def _kept(_visit: Visit, root: str, path: str, changed: datetime | None, page: int) -> FileView:
    return _visit.orchestra.files.view(_visit.who, path, page)


def _seen(visit: Visit, path: str, changed: datetime | None, page: int) -> FileView:
    with st.spinner(t("Reading the file …")):
        return _kept(visit, str(visit.orchestra.workspace.root), path, changed, page)


def _facts(view: FileView) -> list[str]:
    pages = [tn("{count} page", "{count} pages", view.pages)] if view.pages and not view.table else []
    rows = [tn("{count} row", "{count} rows", view.table.row_count)] if view.table else []
    kind = [plain(view.kind)] if view.kind else []
    return [*kind, size_text(view.size_bytes), *pages, *rows]


def _pages(view: FileView) -> None:
    """Let the person choose a page, or a sheet by its name."""
    key = f"files-page-{view.path}"
    if view.table and len(view.table.sheets) > 1:
        sheets = dict(enumerate(view.table.sheets, 1))
        st.selectbox(t("Sheet"), list(sheets), format_func=lambda one: one_line(sheets[one]), key=key)
    elif view.pages > 1:
        label = t("Page (of {count})", count=number(view.pages))
        st.number_input(label, min_value=1, max_value=view.pages, step=1, key=key, width=200)


def _content(view: FileView) -> None:
    if view.problem:
        st.warning(plain(translated(view.problem)), icon=":material/warning:")
    elif view.table:
        _table(view.table)
    else:
        if view.needs_ocr:
            _scanned(view)
        if view.text or not view.needs_ocr:
            with st.container(height=420, key="files-text"):
                outside_text(view.text)
        if view.notes:
            st.info(plain(" ".join(map(translated, view.notes))), icon=":material/info:")
        if view.truncated:
            st.caption(t("The page has more text than is shown here; a step reads all of it."))


def _table(table: FileTable) -> None:
    rows = [{name: _cell(row.get(name)) for name in table.columns} for row in table.rows]
    st.dataframe(rows, hide_index=True, alt=t("Rows"))
    if table.row_count > len(rows):
        st.caption(t("The first {shown} of {total} rows.", shown=len(rows), total=number(table.row_count)))
    if table.empty_formulas:
        count = number(table.empty_formulas)
        st.warning(t("Formulas without a stored value, whose cells are empty: {count}.", count=count))
    if table.notes:
        st.warning(plain(" ".join(map(translated, table.notes))), icon=":material/warning:")


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else compact(value)


def _scanned(view: FileView) -> None:
    said = t("This page is a picture without text. The step `file.ocr` reads it.")
    st.info(f"{said} {plain_with_code(view.ocr_remedy)}".rstrip(), icon=":material/document_scanner:")


def _buttons(visit: Visit, view: FileView) -> None:
    with st.container(horizontal=True, gap="small"):
        if visit.may("edit") and not view.problem:
            _use(visit, view)
        st.download_button(
            t("Download"),
            lambda: visit.orchestra.files.content(visit.who, view.path),
            file_name=PurePosixPath(view.path).name,
            mime="application/octet-stream",  # saved, never displayed: the content may come from outside
            key=f"files-download-{view.path}",
            icon=":material/download:",
            on_click="ignore",
        )
        if visit.may("edit") and visit.orchestra.files.may_delete(visit.who, view.path):
            _delete(visit, view.path)


def _use(visit: Visit, view: FileView) -> None:
    """Offer a workflow with one step that reads the file."""
    with popover(t("Use in a workflow"), "files-use", ":material/account_tree:"):
        stem = usable_name(PurePosixPath(view.path).stem) or "file"
        name = name_field(
            t("Name of the new workflow"), free_name(f"read-{stem}", names(visit, WORKFLOW)), "files-name"
        )
        action_button(
            t("Make the workflow"),
            "files-make",
            lambda _: visit.orchestra.workflows.create_from(visit.who, name.strip(), _workflow(view)).name,
            lambda made: visit.go("workflow", name=made, tab="canvas"),
            scope=f"{view.path} {name}",
            type="primary",
        )
        st.caption(plain(t("In any other workflow, give a step the file {path}.", path=view.path)))


def _workflow(view: FileView) -> dict[str, Any]:
    uses = "file.table" if view.table else "file.ocr" if view.needs_ocr else "file.text"
    step = {"id": "read", "uses": uses, "with": {"file": view.path}}
    return {"schema_version": 1, "title": PurePosixPath(view.path).name, "steps": [step]}


def _delete(visit: Visit, path: str) -> None:
    with popover(t("Delete"), "files-delete", ":material/delete:"):
        st.caption(plain(t("{path} is deleted from the disk. This cannot be undone.", path=path)))
        action_button(
            t("Delete it"),
            "files-delete-it",
            lambda _: visit.orchestra.files.delete(visit.who, path),
            lambda _: _deleted(),
            scope=path,
        )


def _deleted() -> None:
    for name in _POPOVERS:
        close(name)
    st.query_params.pop("file", None)
    session.tell(t("The file is deleted."))
    st.rerun()
