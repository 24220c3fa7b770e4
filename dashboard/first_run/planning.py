"""Plan a run on the last mails, see what it would write, and apply it or let new mail start it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_text, plain
from dashboard.first_run.mails import forget_mails, keep_mails, look_at_mails, mails
from dashboard.parts.accounts import account_badges
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.run.form import agreed_to
from dashboard.trigger.start import start_dialog
from engine.first_run.first_workflow import TRIGGER

if TYPE_CHECKING:
    from engine.first_run.steps import FirstRunState
    from engine.runs.planning.plan_documents import PlannedWrite, PlanRow
    from engine.runs.starting.preview import RunPreview

_LOOK_SECONDS = 2.0
_SHOWN = 10


def planning(visit: Visit, state: FirstRunState) -> None:
    """Show the last mails, then the button that plans a run on them."""
    plan = state["plan"]
    if plan is not None and plan["state"] == "planning":
        st.info(t("The plan is being made: mails are read and a model is asked. Nothing is written."))
        visit.orchestra.runs.wait(visit.who, plan["plan_id"], _LOOK_SECONDS)
        st.rerun()
    if plan is not None:
        st.markdown(plain(translated(plan["sentence"])))
        visit.link(t("View the plan"), "plan", icon=":material/preview:", id=plan["plan_id"])
    else:
        st.markdown(t("Your last few mails are read and the plan says what a run would write. Nothing is written."))
    found = mails()
    if found is None:
        action_button(
            t("Show the mails") if plan is None else t("Plan again"),
            "first-run-look",
            lambda _key: look_at_mails(visit),
            _keep,
            type="primary" if plan is None else "secondary",
            icon=":material/mail:",
        )
        return
    is_agreed = _preview(found)
    _left_out(state)
    action_button(
        t("Plan on these mails"),
        "first-run-plan",
        lambda key: visit.orchestra.first_run.plan(visit.who.agreeing(found.needs_confirmation), request_key=key),
        lambda _plan_id: _planned(),
        scope=session.number() if plan is None else plan["plan_id"],
        type="primary",
        icon=":material/preview:",
        disabled=not is_agreed,
    )


def starting(visit: Visit, state: FirstRunState) -> None:
    """Show what the plan would write, with the buttons that apply it and that turn the trigger on."""
    plan = state["plan"]
    if plan is None or not state["workflow"]:
        st.caption(t("First plan a run."))
        return
    with errors_shown():
        _writes(visit, plan)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if plan["state"] == "open":
            action_button(
                t("Apply"),
                "first-run-apply",
                lambda _key: visit.orchestra.first_run.apply(visit.who),
                lambda run_id: visit.go("run", id=run_id),
                scope=plan["plan_id"],
                type="primary",
                icon=":material/play_arrow:",
            )
            visit.link(t("View the plan"), "plan", icon=":material/preview:", id=plan["plan_id"])
        if plan["applied_run_id"]:
            visit.link(t("The run that applied it"), "run", icon=":material/play_circle:", id=plan["applied_run_id"])
        with errors_shown():
            trigger = visit.orchestra.triggers.status(visit.who, state["workflow"], TRIGGER)
            if trigger.is_on:
                visit.link(t("New mail starts a run"), "triggers", icon=":material/sensors:")
            elif st.button(t("Let new mail start it …"), key="first-run-trigger", icon=":material/sensors:"):
                start_dialog(visit, trigger)
        visit.link(t("The workflow"), "workflow", icon=":material/account_tree:", name=state["workflow"])


def _keep(found: RunPreview) -> None:
    keep_mails(found)
    st.rerun()


def _planned() -> None:
    forget_mails()
    st.rerun()


def _left_out(state: FirstRunState) -> None:
    """Say what the plan does without: a step that nobody has chosen for is not a mistake, but should be no surprise."""
    without = [
        translated(one["sentence"])
        for one in state["steps"]
        if one["id"] in ("model", "tasks") and one["state"] == "open"
    ]
    if without:
        said = " ".join(without)
        st.caption(plain(t("{without} You can choose in the steps above, now or later.", without=said)))


def _preview(found: RunPreview) -> bool:
    """Show the mails and accounts; return whether everything that needs a tick has one."""
    with st.container(horizontal=True, gap="small"):
        account_badges(found.connections)
    if not found.items:
        st.caption(t("There is no mail."))
    else:
        st.markdown(tn("{count} mail:", "{count} mails:", len(found.items)))
        with st.container(border=True):
            outside_text("\n".join(found.items))
    cost = (
        plain(translated(found.estimate["sentence"]))
        if found.estimate is not None
        else t("No model is asked: it costs nothing.")
    )
    st.caption(f":material/payments: {cost}")
    return agreed_to(found.workflow, found.warnings)


def _writes(visit: Visit, plan: PlanRow) -> None:
    if plan["state"] not in ("open", "applied"):
        return
    writes = visit.orchestra.plans.show(visit.who, plan["plan_id"])["writes"]
    for write in writes[:_SHOWN]:
        st.markdown(f"- {plain(_title(write))} :gray[{plain(write['account'])}]")
    if len(writes) > _SHOWN:
        st.caption(t("… and {count} more", count=len(writes) - _SHOWN))


def _title(write: PlannedWrite) -> str:
    """Return what a write does, and for which mail."""
    does, item = write["preview"]["title"] if write["preview"] else "", write["title"]
    return f"{does}: {item}" if does and item not in does else does or item
