"""Running an ended run once more: by one button as it was, or in another way from the panel below it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import streamlit as st

from clients.errors import ServiceError
from dashboard import session
from dashboard.page import Visit
from dashboard.parts.accounts import account_badges, accounts_of
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box
from dashboard.parts.plain import plain
from dashboard.parts.status import OPEN
from dashboard.run_newest import go_on_newest
from engine.errors import OrchestraError
from engine.runs.preview import RunPreview

Run = Mapping[str, Any]

_ASK = ""
"""Instead of a run id: a person must look at the form first."""
_ASKS = "This needs your agreement: look at the form, then press Run."
_WAYS = {
    "reuse": ("Keep what was written", "What was written before stays, and is not written again: as Run again does."),
    "update": (
        "Bring it up to date",
        "What was written before is changed to what this run wants, also where somebody has changed it since.",
    ),
    "force": ("Write everything anew", "All of it is written a second time, beside what is there."),
}
_REPLAY_HELP = (
    "Where the same is asked, the recorded answer is taken: nothing is read again and no model is paid again. "
    "Whatever is asked otherwise is asked."
)


def run_again(visit: Visit, run: Run) -> None:
    """Show the button. What needs an agreement leads to the form, which asks for it.

    While the run is at work the button keeps its place, so that a second click never finds another one there.
    """
    if not run["workflow"]:
        return
    run_id = str(run["run_id"])

    def start(request_key: str) -> str:
        if must_look(visit, run):
            return _ASK
        return visit.orchestra.runs.rerun(visit.who, run_id, request_key=request_key)

    action_button(
        "Run again",
        "again",
        start,
        lambda started: to_run_or_form(visit, run, started),
        scope=run_id,
        icon=":material/play_arrow:",
        disabled=run["status"] in OPEN,
    )


def again_panel(visit: Visit, run: Run) -> None:
    """Show the other ways to run it, in words, and what each means."""
    go_on_newest(visit, run)
    st.markdown("**Run it again in another way**")
    way = st.radio(
        "What about things that were written before?",
        list(_WAYS),
        format_func=lambda one: _WAYS[one][0],
        captions=[text for _, text in _WAYS.values()],
        key="again-receipts",
    )
    replay = st.toggle("Take what was read and answered from this run", key="again-replay", help=_REPLAY_HELP)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("The workflow as its file is now, with the inputs and on the accounts of this run.", width="content")
        account_badges(accounts_of(run))
    found = _looked_at(visit, run)
    if found is None:
        return
    is_agreed = _agreed(found) and (way != "force" or st.checkbox("I know that it is written twice", key="again-twice"))
    _again_button(visit, run, way or "reuse", replay=replay, is_agreed=is_agreed)


def _again_button(visit: Visit, run: Run, way: str, *, replay: bool, is_agreed: bool) -> None:
    run_id, name = str(run["run_id"]), str(run["workflow"])

    def start(request_key: str) -> str:
        return visit.orchestra.runs.rerun(visit.who, run_id, receipts=way, replay=replay, request_key=request_key)

    with st.container(horizontal=True, vertical_alignment="center"):
        action_button(
            "Run it",
            "again-so",
            start,
            lambda started: to_run_or_form(visit, run, started),
            scope=f"{run_id} {way} {replay}",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not is_agreed,
        )
        visit.link("With other inputs", "workflow", icon=":material/edit:", name=name, inputs_of=run_id)


def to_run_or_form(visit: Visit, run: Run, started: str) -> None:
    """Go to the run that was started or, where none was, to the form that asks for an agreement."""
    if started:
        visit.go("run", id=started)
    session.tell(_ASKS)
    visit.go("workflow", name=str(run["workflow"]), inputs_of=str(run["run_id"]))


def must_look(visit: Visit, run: Run) -> bool:
    """Tell whether a person must look at the form before the same is run. Raises OrchestraError, ServiceError."""
    name = str(run["workflow"])
    found = visit.orchestra.preview(visit.who, name, visit.orchestra.runs.inputs(visit.who, run), look=False)
    return not visit.orchestra.is_confirmed(visit.who, name) or must_ask(run, found)


def must_ask(run: Run, found: RunPreview) -> bool:
    """Tell whether the same run would now touch other accounts than before, or something that needs a tick."""
    return is_moved(run, found) or any(warning.must_tick for warning in found.warnings)


def is_moved(run: Run, found: RunPreview) -> bool:
    """Tell whether the same run would now touch other accounts than before."""
    before = {name: one["mode"] for name, one in run["accounts"].items()}
    return any(before.get(one.name, one.mode) != one.mode for one in found.connections)


def _looked_at(visit: Visit, run: Run) -> RunPreview | None:
    """Return what the run would touch; None, with the reason on the page, where it cannot be started from here."""
    name = str(run["workflow"])
    try:
        found = visit.orchestra.preview(visit.who, name, visit.orchestra.runs.inputs(visit.who, run), look=False)
        is_known = visit.orchestra.is_confirmed(visit.who, name)
    except (OrchestraError, ServiceError) as error:
        error_box(error)
        return None
    if is_known and not is_moved(run, found):
        return found
    st.info("Its accounts have been switched since, or it never ran on them: start it from the form.")
    visit.link("To the form", "workflow", icon=":material/arrow_forward:", name=name, inputs_of=str(run["run_id"]))
    return None


def _agreed(found: RunPreview) -> bool:
    """Show what a person must know; return whether all that needs a tick has one."""
    ticks = []
    for warning in found.warnings:
        st.warning(plain(warning.text), icon=":material/warning:")
        if warning.must_tick:
            key = f"again-tick-{hashlib.sha256(warning.text.encode()).hexdigest()[:8]}"
            ticks.append(st.checkbox("I know, and it may be written there", key=key))
    return all(ticks)
