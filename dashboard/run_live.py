"""What models are writing for a run at this moment, word by word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.page import Visit
from dashboard.parts.plain import outside_text, plain
from dashboard.parts.status import OPEN
from dashboard.parts.steps import StepEntry, failure_steps_of, steps_of
from dashboard.run_stand import without_indexes
from engine.registry import step_types

_LOOK_SECONDS = 0.3
_SHOWN_MOST = 4
_TAIL_LETTERS = 4_000


def live_answers(visit: Visit, run: Mapping[str, Any]) -> None:
    """Show the answers that come just now; the page draws itself anew once one of them is recorded."""
    if not _may_write(run):
        return
    titles = {entry.path: entry.title for entry in _entries(run)}
    seen: set[str] = set()

    @st.fragment(run_every=_LOOK_SECONDS)
    def body() -> None:
        if session.principal() != visit.who:  # a fragment runs without the page's own check
            st.rerun()
        texts = visit.orchestra.runs.live(visit.who, str(run["run_id"]))
        if seen - texts.keys():
            st.rerun()
        seen.update(texts)
        for path, text in list(texts.items())[:_SHOWN_MOST]:
            _answer(titles.get(without_indexes(path), path), path, text)

    body()


def _may_write(run: Mapping[str, Any]) -> bool:
    """Tell whether a model may be writing for the run now."""
    streams = {name for name, kind in step_types().items() if kind.streams}
    return run["status"] in OPEN and any(entry.uses in streams for entry in _entries(run))


def _entries(run: Mapping[str, Any]) -> list[StepEntry]:
    workflow = run["definition"]["workflow"]
    return [*steps_of(workflow), *failure_steps_of(workflow)]


def _answer(title: str, path: str, text: str) -> None:
    with st.container(border=True, key=f"live-{path}"):
        st.caption(f":material/edit_note: {plain(title)}: the model is writing")
        outside_text(text if len(text) <= _TAIL_LETTERS else f"… {text[-_TAIL_LETTERS:]}")
