"""What models are currently writing for a run, word by word."""

from __future__ import annotations

from functools import cache

import streamlit as st

from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.base.prose import outside_prose
from dashboard.drawing.steps import Entry, failure_steps_of, steps_of
from engine.base.statuses import ACTIVE_RUNS
from engine.base.step_path import StepPath
from engine.plugins.registry import step_types
from engine.record.types.run import Run

_WRITING_SECONDS = 0.4
"""Between two looks while text is being written."""
_SHOWN_MOST = 4
_TAIL_LETTERS = 4_000


def may_write(run: Run) -> bool:
    """Return whether a model may be writing for the run now."""
    return run["status"] in ACTIVE_RUNS and any(entry.step.uses in _streaming() for entry in _entries(run))


@cache
def _streaming() -> frozenset[str]:
    return frozenset(name for name, kind in step_types().items() if kind.streams)


def live_answers(visit: Visit, run: Run) -> None:
    """Show the answers as they are written; the page is redrawn when the first begins and the last is recorded."""
    run_id = str(run["run_id"])
    if not (may_write(run) and visit.orchestra.runs.live(visit.who, run_id)):
        return
    titles = {entry.path: entry.step.title for entry in _entries(run)}

    @st.fragment(run_every=_WRITING_SECONDS)
    def body() -> None:
        texts = visit.orchestra.runs.live(visit.who, run_id)
        if not texts:
            st.rerun()
        for path, text in list(texts.items())[:_SHOWN_MOST]:
            _answer(titles.get(StepPath.parse(path).in_workflow, path), path, text)

    body()


def _entries(run: Run) -> list[Entry]:
    workflow = run["definition"]["workflow"]
    return [*steps_of(workflow), *failure_steps_of(workflow)]


def _answer(title: str, path: str, text: str) -> None:
    with st.container(border=True, key=f"live-{path}"):
        st.caption(t(":material/edit_note: {title}: the model is writing", title=plain(title)))
        outside_prose(text if len(text) <= _TAIL_LETTERS else f"… {text[-_TAIL_LETTERS:]}")
