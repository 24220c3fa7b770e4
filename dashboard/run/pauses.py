"""Where a debug run is paused: what each paused step will get, and the buttons that let it go on."""

from __future__ import annotations

import json

import streamlit as st

from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.step_words import exact, type_title
from engine.record.types.run import Run, RunKind
from engine.runs.trials.debug_view import DebugView, PausedStep

_SHOWN = 3


def run_pauses(visit: Visit, run: Run) -> None:
    """Show the paused steps of a debug run with their arguments; nothing for other runs."""
    if run["kind"] is not RunKind.DEBUG or run["ended_at"] is not None:
        return
    view = visit.orchestra.debugging.view(visit.who, str(run["run_id"]))
    for one in view.paused[:_SHOWN]:
        with st.container(border=True):
            _paused(visit, view, one)
    if len(view.paused) > _SHOWN:
        more = len(view.paused) - _SHOWN
        st.caption(tn("… and {count} more step is paused", "… and {count} more steps are paused", more))
    if view.paused and visit.may("run"):
        _continue(visit, view)


def _paused(visit: Visit, view: DebugView, one: PausedStep) -> None:
    item = f" ({plain(one.item)})" if one.item else ""
    st.markdown(t(":material/pause_circle: **Paused before {title}**{item}", title=plain(one.title), item=item))
    st.caption(plain(type_title(one.uses)), help=exact(one.path, one.uses))
    outside_code(json.dumps(one.arguments, ensure_ascii=False, indent=2), "json")
    if visit.may("run"):
        action_button(
            t("Step"),
            f"debug-step-{one.path}",
            lambda _key: visit.orchestra.debugging.step(visit.who, view.run_id, one.path),
            lambda _view: st.rerun(),
            scope=f"{view.run_id} {one.since}",
            icon=":material/step_over:",
        )


def _continue(visit: Visit, view: DebugView) -> None:
    action_button(
        t("Continue"),
        "debug-continue",
        lambda _key: visit.orchestra.debugging.go_on(visit.who, view.run_id),
        lambda _view: st.rerun(),
        scope=f"{view.run_id} {view.paused[0].path} {view.paused[0].since}",
        icon=":material/play_arrow:",
    )
