"""Runs as rows: what ran, how it ended in a sentence, and when."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.status import status_badge, test_badge
from dashboard.parts.times import ago, duration, full_time
from engine.base.statuses import ACTIVE_RUNS, RunStatus
from engine.runs.run_list import RunRow


def run_rows(visit: Visit, rows: Sequence[RunRow], place: str) -> None:
    """Show runs below each other; `place` distinguishes two lists on one page."""
    for row in rows:
        run_row(visit, row, place)


def run_row(visit: Visit, row: RunRow, place: str) -> None:
    """Show one run: a link to its page, its status, the sentence about it, and when it was."""
    with st.container(key=f"row-{place}-{row.run_id}", gap="xsmall"):
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key=f"titled-{place}-{row.run_id}"
        ):
            visit.title_link(row.title, "run", id=row.run_id)
            status_badge(row.status, row.counts)
            if row.environment:
                st.badge(plain(row.environment), icon=":material/layers:", color="gray")
            if row.demo:
                st.badge(t("Demo"), color="gray")
            test_badge(row.kind)
            if row.parent_run_id:
                st.badge(t("Called"), icon=":material/subdirectory_arrow_right:", color="gray")
            st.space("stretch")
            st.caption(_when(row), help=full_time(row.started_at or row.queued_at), width="content")
        st.markdown(plain(translated(row.sentence) or _no_sentence(row)))
        if row.kind.is_test and row.status == RunStatus.WAITING and visit.may("run"):
            _cancel(visit, row, place)


def _cancel(visit: Visit, row: RunRow, place: str) -> None:
    """Offer to end a test run that waits: nothing else ends a debug run that somebody has left paused."""
    action_button(
        t("Cancel"),
        f"cancel-{place}-{row.run_id}",
        lambda _key: visit.orchestra.runs.cancel(visit.who, row.run_id),
        lambda _seconds: st.rerun(),
        type="tertiary",
        icon=":material/cancel:",
    )


def _no_sentence(row: RunRow) -> str:
    return t("In progress.") if row.status in ACTIVE_RUNS else ""


def _when(row: RunRow) -> str:
    parts = [ago(row.started_at or row.queued_at), duration(row.duration_seconds), by_whom(row.started_by)]
    return plain(" · ".join(part for part in parts if part))


_KINDS = (N_("trigger"), N_("workflow"), N_("token"))
"""The kinds of what starts runs besides people."""


def by_whom(started_by: str) -> str:
    """Return who or what started a run, e.g. `by ada`, `by the trigger new_mail`."""
    kind, colon, name = started_by.partition(":")
    if not colon:
        return t("by {started_by}", started_by=started_by)
    return (
        t("by {name} in a terminal", name=name)
        if kind == "local"
        else t("by the {kind} {name}", kind=t(kind), name=name)
    )
