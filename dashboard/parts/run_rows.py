"""Runs as rows: what ran, how it ended in a sentence, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.status import status_badge, test_badge
from dashboard.parts.step_words import trigger_title
from dashboard.parts.times import ago, duration, full_time
from engine.base.errors import OrchestraError
from engine.base.statuses import ACTIVE_RUNS, RunStatus
from engine.runs.run_list import RunRow


def run_rows(visit: Visit, rows: Sequence[RunRow], place: str) -> None:
    """Show runs below each other; `place` distinguishes two lists on one page."""
    titles = {name: _titles(visit, name) for name in {one.workflow for one in rows if _is_triggered(one.started_by)}}
    for row in rows:
        _row(visit, row, place, titles.get(row.workflow, {}))


def _titles(visit: Visit, workflow: str) -> Mapping[str, str]:
    """Return the titles of the triggers of a workflow, by id; nothing if it is gone, or cannot be read."""
    try:
        return trigger_titles(visit.orchestra.workflows.get(visit.who, workflow).document or {})
    except OrchestraError:
        return {}


def trigger_titles(document: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the titles of the triggers in the document of a workflow, by id."""
    found = [one for one in document.get("triggers") or [] if isinstance(one, Mapping)]
    return {str(one["id"]): str(one.get("title") or trigger_title(str(one["uses"]))) for one in found if "uses" in one}


def _row(visit: Visit, row: RunRow, place: str, titles: Mapping[str, str]) -> None:
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
            st.caption(_when(row, titles), help=full_time(row.started_at or row.queued_at), width="content")
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


def _when(row: RunRow, titles: Mapping[str, str]) -> str:
    parts = [ago(row.started_at or row.queued_at), duration(row.duration_seconds), by_whom(row.started_by, titles)]
    return plain(" · ".join(part for part in parts if part))


def _is_triggered(started_by: str) -> bool:
    return started_by.startswith("trigger:")


_KINDS = (N_("trigger"), N_("workflow"), N_("token"))
"""The kinds of what starts runs besides people."""


def by_whom(started_by: str, titles: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return who or what started a run, e.g. `by ada`, `by the trigger New mail`.

    `titles`: those of the triggers of its workflow, by id.
    """
    kind, colon, name = started_by.partition(":")
    name = titles.get(name, name) if _is_triggered(started_by) else name
    if not colon:
        return t("by {started_by}", started_by=started_by)
    return (
        t("by {name} in a terminal", name=name)
        if kind == "local"
        else t("by the {kind} {name}", kind=t(kind), name=name)
    )
