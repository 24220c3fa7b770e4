"""Undo a run, or one of its items: a preview of what can be undone and what cannot, then the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import link_markdown, plain, plain_with_code
from dashboard.base.remedies import with_pages
from dashboard.parts.buttons import action_button
from engine.base.statuses import CANCELLABLE_RUNS, StepStatus
from engine.base.step_path import StepPath
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

if TYPE_CHECKING:
    from engine.runs.undo.undo_report import NotUndone, Undone, UndoReport

_SHOWN = 12


def can_undo(run: Run) -> bool:
    """Return whether there may be anything in a run to undo."""
    if run["status"] in CANCELLABLE_RUNS:
        return False
    return any(_may_have_written(step) for step in run["steps"])


def can_undo_item(run: Run, path: str) -> bool:
    """Return whether there may be anything to undo in one item of a loop."""
    item = StepPath.parse(path)
    return can_undo({**run, "steps": [one for one in run["steps"] if StepPath.parse(one["path"]).is_inside(item)]})


def _may_have_written(step: StepRecord) -> bool:
    """Return whether a step may have written, itself, by a run that it called, or after its run was cancelled."""
    effect = step["effect"]
    if effect:
        return not effect["reused"] and not effect.get("undone")
    return bool(step.get("child_run_id")) or (step["status"] == StepStatus.CANCELLED and bool(step.get("identity")))


def undo_panel(visit: Visit, run: Run, key: str | None, place: str) -> None:
    """Preview an undo and show its button; `key` is the item's, None for the whole run.

    `place` distinguishes the panel of the run from the panel of its item.
    """
    run_id = str(run["run_id"])
    report = visit.orchestra.runs.undoable(visit.who, run_id, item=key)
    if not report.undone:
        st.markdown(t("**Nothing here can be undone.**"))
    else:
        what = t("this item") if key is not None else t("this run")
        st.markdown(t("**Undo {what}: this would be undone**", what=what))
        st.markdown(
            "\n".join(f"- {line}{_times(count)}" for line, count in Counter(map(_would, report.undone)).items())
        )
        stays = list(dict.fromkeys(one.stays for one in report.undone if one.stays))
        if stays:
            st.caption(plain_with_code(t("What stays: {stays}.", stays="; ".join(stays))))
        st.caption(t("Anything that was changed there since then is left as it is and listed."))
    _kept(t("This cannot be undone"), report.cannot)
    if report.left:
        st.caption(
            t(
                "Left alone: {writes} of another run, or already undone.",
                writes=tn("{count} write", "{count} writes", len(report.left)),
            )
        )
    if report.undone:
        _undo_button(visit, run_id, key, len(report.undone), place)


def _undo_button(visit: Visit, run_id: str, key: str | None, count: int, place: str) -> None:
    with st.spinner(t("Undoing …")):
        action_button(
            t("Undo {writes}", writes=tn("{count} write", "{count} writes", count)),
            f"undo-now-{place}",
            lambda _key: visit.orchestra.runs.undo(visit.who, run_id, item=key),
            lambda report: _done(run_id, report),
            scope=f"{run_id} {key} {count}",
            type="primary",
            icon=":material/undo:",
        )


def _done(run_id: str, report: UndoReport) -> None:
    session.keep_draft(_told(run_id), report)
    st.rerun()


def undo_report(run_id: str) -> None:
    """Show the result of the last undo of a run, until it is closed."""
    report: UndoReport | None = session.draft(_told(run_id), None)
    if report is None:
        return
    with st.container(border=True, key="undo-report"):
        if report.undone:
            st.success(
                t(
                    "{writes} undone. The next run that asks for the same writes it again.",
                    writes=tn("{count} write", "{count} writes", len(report.undone)),
                ),
                icon=":material/undo:",
            )
        _kept(t("Not undone"), report.refused)
        _kept(t("This cannot be undone"), report.cannot)
        st.button(
            t("Close"), key="undo-report-close", type="tertiary", on_click=session.drop_draft, args=(_told(run_id),)
        )


def _told(run_id: str) -> str:
    return f"undone.{run_id}"


def _kept(title: str, lines: Sequence[NotUndone]) -> None:
    """Show what stays and why, with a link if it has an address."""
    if not lines:
        return
    told = [f"- {_name(one)}: {plain_with_code(with_pages(translated(one.reason)))}" for one in lines[:_SHOWN]]
    more = [t("- … and {count} more", count=len(lines) - _SHOWN)] if len(lines) > _SHOWN else []
    st.warning("\n".join([f"**{title}**", "", *told, *more]), icon=":material/block:")


def _would(line: Undone) -> str:
    return f"**{plain(_title(line))}**: {plain(translated(line.note))}"


def _name(line: NotUndone) -> str:
    about = f"{_title(line)} ({line.key})" if line.key else _title(line)
    return link_markdown(about, line.url) if line.url else plain(about)


def _title(line: Undone | NotUndone) -> str:
    return line.title or line.path


def _times(count: int) -> str:
    return t(" · {count} times", count=count) if count > 1 else ""
