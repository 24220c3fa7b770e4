"""What a run waits for: a time, also one that a service named, a person's answer, a run that it called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from clients.counting import counted
from dashboard.page import Visit
from dashboard.parts.plain import plain
from dashboard.parts.questions import question_card
from dashboard.parts.times import full_time, near_time
from dashboard.run_stand import Step
from engine.errors import OrchestraError
from engine.runs.approvals import Approval

_SHOWN = 3


def run_waits(visit: Visit, run: Mapping[str, Any]) -> None:
    """Show the questions of a run with their buttons, then in a line each what else it waits for."""
    if run["ended_at"] is not None:
        return
    waiting = [step for step in run["steps"] if step["status"] == "waiting" and step["uses"]]
    asked = [step for step in waiting if step.get("approval")]
    _questions(visit, run, asked)
    rest = [step for step in waiting if not step.get("approval") and _is_told(run, step)]
    for step in rest[:_SHOWN]:
        wait_line(visit, step)
    if len(rest) > _SHOWN:
        more = len(rest) - _SHOWN
        st.caption(f"… and {more} more {'step waits' if more == 1 else 'steps wait'}")


def _is_told(run: Mapping[str, Any], step: Step) -> bool:
    """Tell whether a wait stands at the top of the page.

    While other steps are at work the table has it, else the page would jump with every short wait. What was interrupted
    waits for nothing but a person: its times may be long over.
    """
    return run["status"] == "waiting" or (run["status"] == "running" and bool(step.get("held")))


def wait_line(visit: Visit, step: Step) -> None:
    """Say in a line what a step waits for, with the way there; nothing for one that does not wait."""
    if step["status"] != "waiting":
        return
    title = plain(str(step["title"] or step["id"]))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if step.get("child_run_id"):
            st.markdown(f":material/hourglass_empty: **{title}** waits for the run that it called", width="content")
            visit.link("Open that run", "run", icon=":material/arrow_forward:", id=str(step["child_run_id"]))
        elif step.get("approval"):
            st.markdown(f":material/help: **{title}** waits for the answer of a person", width="content")
        elif step.get("held"):
            by = plain(str(step["held"]["by"]))
            until = plain(near_time(step["due_at"]))
            help_text = f"{plain(str(step['held']['message']))} It goes on by itself; nothing has failed."
            st.markdown(f":material/hourglass_empty: **{title}**: {by} asks to wait until {until}", help=help_text)
        elif step.get("due_at"):
            st.markdown(f":material/hourglass_empty: **{title}** waits until {plain(full_time(step['due_at']))}")


def _questions(visit: Visit, run: Mapping[str, Any], steps: Sequence[Step]) -> None:
    for question in _open(visit, steps[:_SHOWN]):
        question_card(visit, question, run, "run")
    if len(steps) > _SHOWN:
        more = counted(len(steps) - _SHOWN, "question")
        visit.link(f"{more} more", "approvals", icon=":material/arrow_forward:")


def _open(visit: Visit, steps: Iterable[Step]) -> Iterable[Approval]:
    for step in steps:
        try:
            question = visit.orchestra.approvals.get(visit.who, str(step["approval"]))
        except OrchestraError:  # the state file was lost meanwhile: the run asks anew when it goes on
            continue
        if question.state == "open":
            yield question
