"""Run an ended run once more: unchanged with one button, or with changes from the panel below it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import streamlit as st

from clients.errors import ServiceError
from dashboard.base import session
from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.accounts import account_badges, accounts_of
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box
from dashboard.run.change.newest import go_on_as_it_was
from engine.agents.conversation import is_agent
from engine.base.errors import OrchestraError
from engine.base.statuses import ACTIVE_RUNS
from engine.record.types.run import Run

if TYPE_CHECKING:
    from engine.runs.starting.preview import RunPreview

_ASK = ""
"""In place of a run id: a person must look at the form first."""
_ASKS = N_("This needs your agreement: check the form, then press Run.")
_WAYS = {
    "reuse": (
        N_("Keep what was written"),
        N_("What was written before stays and is not written again, the same as Run again."),
    ),
    "update": (
        N_("Update what was written"),
        N_("What was written before is changed to what this run produces, even where somebody has changed it since."),
    ),
    "force": (N_("Write everything again"), N_("All of it is written a second time, in addition to what is there.")),
}
_REPLAY_HELP = N_(
    "Where a request is the same, the recorded answer is used: nothing is read again "
    "and no model is paid again. Any other request is sent."
)


def run_again(visit: Visit, run: Run) -> None:
    """Show the button. If the run needs an agreement, the button leads to the form, which asks for it.

    While the run is in progress the button keeps its place, so that a second click never hits another one.
    """
    if not run["workflow"] or is_agent(run):  # an agent works again when what called it runs again
        return
    run_id = str(run["run_id"])

    def start(request_key: str) -> str:
        if must_look(visit, run):
            return _ASK
        return visit.orchestra.runs.rerun(visit.who, run_id, request_key=request_key)

    action_button(
        t("Run again"),
        "again",
        start,
        lambda started: to_run_or_form(visit, run, started),
        scope=run_id,
        icon=":material/play_arrow:",
        disabled=run["status"] in ACTIVE_RUNS,
    )


def again_panel(visit: Visit, run: Run) -> None:
    """Show the other ways to run it, with an explanation of each."""
    go_on_as_it_was(visit, run)
    st.markdown(t("**Run again with options**"))
    way = st.radio(
        t("What should happen to what was written before?"),
        list(_WAYS),
        format_func=lambda one: t(_WAYS[one][0]),
        captions=[t(text) for _, text in _WAYS.values()],
        key="again-receipts",
    )
    replay = st.toggle(t("Reuse what this run read and what models answered"), key="again-replay", help=t(_REPLAY_HELP))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(t("Uses the current workflow file, with the inputs and accounts of this run."), width="content")
        account_badges(accounts_of(run))
    found = _looked_at(visit, run)
    if found is None:
        return
    is_agreed = _agreed(found) and (
        way != "force" or st.checkbox(t("I understand that it is written twice"), key="again-twice")
    )
    _again_button(visit, run, way or "reuse", found, replay=replay, is_agreed=is_agreed)


def _again_button(visit: Visit, run: Run, way: str, found: RunPreview, *, replay: bool, is_agreed: bool) -> None:
    run_id, name = str(run["run_id"]), str(run["workflow"])
    agreeing = visit.who.agreeing(found.needs_confirmation)

    def start(request_key: str) -> str:
        return visit.orchestra.runs.rerun(agreeing, run_id, receipts=way, replay=replay, request_key=request_key)

    with st.container(horizontal=True, vertical_alignment="center"):
        action_button(
            t("Run it"),
            "again-so",
            start,
            lambda started: to_run_or_form(visit, run, started),
            scope=f"{run_id} {way} {replay}",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not is_agreed,
        )
        visit.link(t("With different inputs"), "workflow", icon=":material/edit:", name=name, inputs_of=run_id)


def to_run_or_form(visit: Visit, run: Run, started: str) -> None:
    """Go to the run that was started or, if none was, to the form that asks for an agreement."""
    if started:
        visit.go("run", id=started)
    session.tell(t(_ASKS))
    visit.go("workflow", name=str(run["workflow"]), inputs_of=str(run["run_id"]))


def must_look(visit: Visit, run: Run) -> bool:
    """Return whether a person must look at the form before the same is run again. Raises OrchestraError."""
    name = str(run["workflow"])
    try:
        found = visit.orchestra.preview(visit.who, name, visit.orchestra.runs.inputs(visit.who, run), look=False)
    except ServiceError:  # the owner of an account cannot be found out: the form shows the error
        return True
    return bool(found.needs_confirmation) or must_ask(run, found)


def must_ask(run: Run, found: RunPreview) -> bool:
    """Return whether the same run would now use other accounts than before, or something that needs a tick."""
    return is_moved(run, found) or any(warning.must_tick for warning in found.warnings)


def is_moved(run: Run, found: RunPreview) -> bool:
    """Return whether the same run would now use other accounts than before."""
    before = {name: one["mode"] for name, one in run["accounts"].items()}
    return any(before.get(one.name, one.mode) != one.mode for one in found.connections)


def _looked_at(visit: Visit, run: Run) -> RunPreview | None:
    """Return what the run would touch, or None if it cannot be started from here; the page shows the reason."""
    name = str(run["workflow"])
    try:
        found = visit.orchestra.preview(visit.who, name, visit.orchestra.runs.inputs(visit.who, run), look=False)
    except (OrchestraError, ServiceError) as error:
        error_box(error)
        return None
    if not found.has_new_accounts and not is_moved(run, found):
        return found
    st.info(t("Its accounts have been switched since, or it never ran on them: start it from the form."))
    visit.link(t("Open the form"), "workflow", icon=":material/arrow_forward:", name=name, inputs_of=str(run["run_id"]))
    return None


def _agreed(found: RunPreview) -> bool:
    """Show the warnings; return whether all that need a tick have one."""
    ticks = []
    for warning in found.warnings:
        st.warning(plain(warning.text), icon=":material/warning:")
        if warning.must_tick:
            key = f"again-tick-{hashlib.sha256(warning.text.encode()).hexdigest()[:8]}"
            ticks.append(st.checkbox(t("I agree that it may be written there"), key=key))
    return all(ticks)
