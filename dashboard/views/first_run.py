"""Five steps to a run on a person's own mail; each can be skipped, and continued another day."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.messages import translated
from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain
from dashboard.first_run.choosing import choosing
from dashboard.first_run.planning import planning, starting
from dashboard.parts.buttons import action_button
from dashboard.parts.header import page_header
from engine.first_run.steps import DEMO, FirstRunState, FirstRunStep

PAGE = Page(
    title=N_("First run"),
    icon=":material/flag:",
    path="first-run",
    order=11,
    in_menu=False,
    words=N_("start begin set up wizard own mail getting started"),
)
_MARKS = {
    "done": ":green[:material/check_circle:]",
    "skipped": ":gray[:material/skip_next:]",
    "failed": ":red[:material/error:]",
    "open": ":gray[:material/radio_button_unchecked:]",
}

_TITLES = (
    N_("Choose a mailbox"),
    N_("Choose a model"),
    N_("Choose where tasks go"),
    N_("Plan a run on your last mails"),
    N_("Apply it, or let new mail start it"),
)
"""The titles of the steps, as the engine has them."""


def show(visit: Visit) -> None:
    """Show the five steps; the first one that is not done is open."""
    state = visit.orchestra.first_run.state(visit.who)
    done = sum(one["state"] in ("done", "skipped") for one in state["steps"])
    page_header(
        visit,
        t(PAGE.title),
        t(
            "Five steps to a run on your own mail; {done} of 5 done. Skip what you like: what you chose is kept.",
            done=done,
        ),
        trail=[(t("Home"), "")],
    )
    if state["is_finished"]:
        st.success(t("All is set up."), icon=":material/check_circle:")
        if state["steps"][0]["choice"] == DEMO:
            st.caption(t("This was the demo. For your own mail, choose a mailbox in the first step."))
    current = next((one["id"] for one in state["steps"] if _is_next(one)), None)
    for number, step in enumerate(state["steps"], 1):
        label = f"{_MARKS[step['state']]} **{number}. {t(step['title'])}**"
        said = f" :gray[{plain(translated(step['sentence']))}]" if step["sentence"] and step["state"] == "done" else ""
        is_current = step["id"] == current
        key = f"first-run-{step['id']}-{step['state']}-{is_current}"  # another key: it opens or closes by itself
        with st.expander(f"{label}{said}", expanded=is_current, key=key):
            _step(visit, state, step)


def _is_next(step: FirstRunStep) -> bool:
    """Return whether a step waits for somebody; what a plan can do without waits only if it was chosen and failed."""
    return step["state"] == "failed" or (step["state"] == "open" and step["id"] not in ("model", "tasks"))


def _step(visit: Visit, state: FirstRunState, step: FirstRunStep) -> None:
    if not visit.may("edit"):
        st.caption(t("An editor or owner can do this."))
        return
    if step["id"] == "plan":
        planning(visit, state)
    elif step["id"] == "start":
        starting(visit, state)
    else:
        choosing(visit, state, step)
    if step["state"] in ("open", "failed"):
        action_button(
            t("Skip"),
            f"skip-{step['id']}",
            lambda _key: visit.orchestra.first_run.skip(visit.who, step["id"]),
            lambda _state: st.rerun(),
            type="tertiary",
            icon=":material/skip_next:",
        )
