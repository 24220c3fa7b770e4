"""A run over time: when each step worked and waited, what it used, and the state of all steps at any moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import streamlit as st

from dashboard.base.language import N_, language, script_texts, t
from dashboard.base.page import Visit
from dashboard.drawing.steps import failure_steps_of, steps_of
from dashboard.parts.status import LOOKS
from dashboard.parts.times import duration
from engine.base.statuses import ACTIVE_RUNS, WORST_FIRST, RunStatus
from engine.base.step_tree import FAILURE_PREFIX
from engine.record.states.timeline import Idle
from engine.record.types.run import Run

_ASSETS = Path(__file__).parents[1] / "assets"
_component = st.components.v2.component(
    "ai-orchestra.timeline",
    js=(_ASSETS / "timeline.js").read_text(encoding="utf-8"),
    css="\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in ("run_page.css", "timeline.css")),
    isolate_styles=False,
)
_SAID: Mapping[str, str] = {RunStatus.QUEUED: N_("In the queue for {time}"), RunStatus.WAITING: N_("Waited {time}")}


def run_timeline(visit: Visit, run: Run) -> None:
    """Show the timeline of a run that has ended, or waits."""
    if run["status"] in ACTIVE_RUNS:
        st.caption(t("The timeline appears once the run has ended or is waiting. The tab Items shows its progress."))
        return
    line = visit.orchestra.runs.timeline(visit.who, str(run["run_id"]))
    data = {
        "language": language(),
        "texts": script_texts("timeline"),
        "first": line["first"],
        "begins_at": line["queued_at"],
        "frames": line["frames"],
        "idle": [[one["since"], one["until"], _said(one)] for one in line["idle"]],
        "rows": list(_rows(run)),
        "order": [str(status) for status in WORST_FIRST],
        "looks": {str(status): [look.word, look.color] for status, look in LOOKS.items()},
    }
    # In a list: Streamlit searches dicts for tables, and loads pandas and pyarrow for that.
    _component(key=f"timeline-{run['run_id']}", data=[data])
    if line["is_joined"]:
        shown = len(line["frames"])
        st.caption(
            t("This run has too many changes to show each one; the slider stops at {shown} of them.", shown=shown)
        )


def _said(idle: Idle) -> str:
    lasted = duration(idle["seconds"])
    if idle["status"] in _SAID:
        return t(_SAID[idle["status"]], time=lasted)
    word = LOOKS[idle["status"]].word
    return t("{word}; resumed by {resumed_by} after {lasted}", word=word, resumed_by=idle["resumed_by"], lasted=lasted)


def _rows(run: Run) -> Iterator[tuple[str, str, int]]:
    """Yield (path, title, depth) of each step; those that run after a failure only if they did."""
    workflow = run["definition"]["workflow"]
    has_failed = any(step["path"].startswith(FAILURE_PREFIX) for step in run["steps"])
    for entry in [*steps_of(workflow), *(failure_steps_of(workflow) if has_failed else [])]:
        yield entry.path, entry.step.title, entry.depth
