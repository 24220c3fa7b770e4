"""Choose the run to compare with: another run of the same workflow."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import one_line
from dashboard.parts.status import look_of
from dashboard.parts.times import full_time
from engine.base.names import workflow_id_of
from engine.base.statuses import RunStatus
from engine.record.types.run import Run
from engine.runs.run_list import RunRow

_OFFERED = 50


def compare_panel(visit: Visit, run: Run) -> None:
    """Offer the other runs of the workflow, newest first."""
    found = visit.orchestra.runs.list(visit.who, workflow_id=workflow_id_of(run), limit=_OFFERED).rows
    others = {row.run_id: row for row in found if row.run_id != run["run_id"]}
    if not others:
        st.caption(t("There is no other run of this workflow to compare with."))
        return
    st.markdown(t("**Compare with another run of this workflow**"))
    chosen = st.selectbox(t("Which run"), list(others), format_func=lambda one: _label(others[one]), key="compare-with")
    if st.button(t("Compare"), key="compare-go", type="primary", icon=":material/difference:"):
        first, second = in_order(run, others[chosen])
        visit.go("compare", first=first, second=second)


def _label(row: RunRow) -> str:
    """Return a label that identifies a run; a selectbox shows it literally."""
    test = t(", test run") if row.kind.is_test else ""
    status = look_of(row.status, row.counts).word
    return one_line(f"{full_time(row.started_at or row.queued_at)} · {status}{test} · {translated(row.sentence)}")


def in_order(run: Run, other: RunRow) -> tuple[str, str]:
    """Return the ids of two runs: first the one that succeeded, or else the older one."""
    sides = [
        (run["status"] != RunStatus.SUCCEEDED, str(run["run_id"])),
        (other.status != RunStatus.SUCCEEDED, other.run_id),
    ]
    (_, first), (_, second) = sorted(sides)
    return first, second
