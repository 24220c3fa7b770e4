"""The detail pane of a run: the opened row with its links and steps, one step at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_link, plain
from dashboard.parts.errors import message_markdown
from dashboard.parts.run_state import UNDONE, shown_status
from dashboard.parts.status import look_of
from dashboard.run.board import Board, BoardRow
from dashboard.run.change.undo import can_undo_item, undo_panel
from dashboard.run.failures import written_before
from dashboard.run.step import run_step
from engine.base.statuses import StepStatus
from engine.base.step_path import StepPath
from engine.record.types.run import Run
from engine.record.types.step import StepRecord


def run_detail(visit: Visit, run: Run, board: Board) -> None:
    """Show the row that the address names, or explain how to open one."""
    row = board.row(st.query_params.get("open", ""))
    if row is None:
        st.caption(t("Click a row to see what went in, what came out and what was made."))
        return
    with st.container(border=True, key="run-detail"):
        with st.container(key=f"in-view-{run['run_id']}-{row.path}"):  # browser.js scrolls to it
            _head(board, row)
        _links(row)
        _undo(visit, run, row)
        _row_error(run, row)
        if row.cell.status == StepStatus.FAILED:
            written_before(run, [row.path])
        _steps(visit, run, row)


def _head(board: Board, row: BoardRow) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(plain(row.title) or t("(no title)"), anchor=False)
        with st.container(horizontal=True, width="content", gap="xsmall"):
            _move(t("Previous"), ":material/arrow_upward:", board, row, -1)
            _move(t("Next"), ":material/arrow_downward:", board, row, +1)
            st.button(
                t("Close"), key="detail-close", icon=":material/close:", type="tertiary", on_click=_open, args=("",)
            )


def _move(label: str, icon: str, board: Board, row: BoardRow, by: int) -> None:
    index = list(board.rows).index(row) + by
    is_there = 0 <= index < len(board.rows)
    target = board.rows[index].path if is_there else ""
    st.button(
        label,
        key=f"detail-{label}",
        icon=icon,
        type="tertiary",
        disabled=not is_there,
        on_click=_open,
        args=(target,),
    )


def _open(path: str) -> None:
    st.query_params.pop("step", None)
    if path:
        st.query_params["open"] = path
    else:
        st.query_params.pop("open", None)


def _links(row: BoardRow) -> None:
    """Show the status of the row, unless its only step shows it, and links to what it has created."""
    begun = [shown_status(step) for step in row.steps if step["uses"] and step["status"] != StepStatus.SKIPPED]
    is_one_step = begun == [row.cell.status]
    if is_one_step and not row.links:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if not is_one_step:
            look = look_of(row.cell.status)
            st.badge(row.cell.word, icon=":material/undo:" if row.cell == UNDONE else look.icon, color=look.color)
        for kind, url in row.links.items():
            outside_link(t(kind), url)


def _undo(visit: Visit, run: Run, row: BoardRow) -> None:
    """Offer to undo only what was written for this item."""
    key = next((step["key"] for step in run["steps"] if step["path"] == row.path), None)
    if key is None or not visit.may("run") or not can_undo_item(run, row.path):
        return
    opened = f"panel.{run['run_id']}.{row.path}"

    def pressed() -> None:
        session.keep_draft(opened, not session.draft(opened, default=False))

    st.button(t("Undo this item"), key="panel-undo-item-button", icon=":material/undo:", on_click=pressed)
    if session.draft(opened, default=False):
        with st.container(border=True, key="panel-undo-item"):
            undo_panel(visit, run, str(key), "item")


def _row_error(run: Run, row: BoardRow) -> None:
    """Show an error of the item that none of its steps has, e.g. of a condition."""
    own = next((step for step in run["steps"] if step["path"] == row.path), None)
    error = own["error"] if own is not None and not own["uses"] else None
    if error and not any(step["error"] for step in row.steps):
        st.error(message_markdown(error["message"], error.get("remedy") or ""), icon=":material/error:")


def _steps(visit: Visit, run: Run, row: BoardRow) -> None:
    skipped = [step for step in row.steps if step["status"] == StepStatus.SKIPPED]
    begun = [step for step in row.steps if step["status"] != StepStatus.SKIPPED]
    done = [step for step in begun if step["uses"] or _failed_itself(step, row.steps)]
    if len(done) == 1:
        run_step(visit, run, done[0])
    elif done:
        _tabs(visit, run, row, done)
    elif not skipped:
        st.caption(t("None of its steps has run yet."))
    for reason, names in _by_reason(skipped).items():
        st.caption(f"{plain(reason)}: {', '.join(names)}")


def _by_reason(skipped: Sequence[StepRecord]) -> Mapping[str, list[str]]:
    """Return the titles of skipped steps by the reason for skipping them."""
    found: dict[str, list[str]] = {}
    for step in skipped:
        reason = str(step.get("note") or t("Skipped, because the condition was not met")).removesuffix(".")
        found.setdefault(reason, []).append(plain(step["title"] or step["id"]))
    return found


def _failed_itself(step: StepRecord, steps: Sequence[StepRecord]) -> bool:
    """Return whether a step without a call has an error of its own, e.g. in its condition, and not of a step inside."""
    inside = (f"{step['path']}.", f"{step['path']}[")
    return bool(step["error"]) and not any(one["path"].startswith(inside) for one in steps)


def _tabs(visit: Visit, run: Run, row: BoardRow, steps: list[StepRecord]) -> None:
    """Show the steps of a row as tabs; `?step=` names the open one."""
    labels = [_label(step, steps) for step in steps]
    key, chosen = f"detail-steps-{row.path}", st.query_params.get("step", "")

    def opened() -> None:
        st.query_params["step"] = str(steps[labels.index(session.widget_value(key, labels[0]))]["path"])

    if chosen or session.widget_value(key, "") not in labels:
        session.set_widget(key, labels[steps.index(_first(row, steps, chosen))])
    for tab, step in zip(st.tabs(labels, key=key, on_change=opened), steps, strict=True):
        if tab.open:
            with tab:
                run_step(visit, run, step)


def _first(row: BoardRow, steps: list[StepRecord], wanted: str) -> StepRecord:
    """Return the step to open: the one that the address names by path or column, else a failed one, else the first."""
    named = [step for step in steps if wanted and step["path"] == wanted]
    column = f"{row.path}.{wanted.rpartition('.')[2]}"
    named += [step for step in steps if wanted and step["path"].startswith(column)]
    failed = [step for step in steps if step["status"] == StepStatus.FAILED and not step.get("handled")]
    return (named or failed or steps)[0]


def _within_item(path: StepPath) -> str:
    item = next(path.items(), None)
    return "" if item is None else path.below(item)


def _label(step: StepRecord, steps: list[StepRecord]) -> str:
    """Return icon and title; the path if two steps have the same title, as in a loop inside the item."""
    title = step["title"] or step["id"]
    is_double = sum((one["title"] or one["id"]) == title for one in steps) > 1
    inner = _within_item(StepPath.parse(step["path"])) if is_double else ""
    return f"{look_of(shown_status(step)).icon} {plain(f'{title} {inner}'.strip())}"
