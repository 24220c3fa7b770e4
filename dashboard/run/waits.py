"""What a run waits for: a time (also one set by a service), a person's answer, mail, or a run that it called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.approvals.question_list import question_link
from dashboard.approvals.questions import question_card
from dashboard.approvals.scheduled import held_row
from dashboard.base.language import t, tc, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.times import ago, full_time, near_time
from dashboard.run.budget_waits import budget_waits, is_budget_wait
from engine.base.errors import OrchestraError
from engine.base.statuses import RunStatus, StepStatus
from engine.record.types.run import Run
from engine.record.types.step import AwaitedMail, StepRecord
from engine.store.approvals import UNANSWERED

if TYPE_CHECKING:
    from engine.runs.approvals import Approval

_SHOWN, _QUESTIONS = 3, 8


def run_waits(visit: Visit, run: Run) -> None:
    """Show the question of a run with its buttons, or several in a line each, then a line for each other wait."""
    waits = told_waits(run)
    asked = [step for step in waits if step.get("approval")]
    _questions(visit, run, asked)
    rest = [step for step in waits if not step.get("approval")]
    budget_waits(visit, [step for step in rest if is_budget_wait(step)], run)
    rest = [step for step in rest if not is_budget_wait(step)]
    for step in rest[:_SHOWN]:
        wait_line(visit, step)
    if len(rest) > _SHOWN:
        more = len(rest) - _SHOWN
        st.caption(tn("… and {count} more step waits", "… and {count} more steps wait", more))


def told_waits(run: Run) -> list[StepRecord]:
    """Return the waiting steps that the top of the page shows."""
    if run["ended_at"] is not None:
        return []
    waiting = [step for step in run["steps"] if step["status"] == StepStatus.WAITING and step["uses"]]
    waiting = [step for step in waiting if "paused" not in step]  # dashboard/run/pauses.py
    return [step for step in waiting if step.get("approval") or _is_told(run, step)]


def _is_told(run: Run, step: StepRecord) -> bool:
    """Return whether the top of the page shows a wait.

    While other steps are running the table shows it, or the page would jump with every short wait. An interrupted run
    waits for nothing but a person: its wait times may be long over.
    """
    return run["status"] == RunStatus.WAITING or (run["status"] == RunStatus.RUNNING and bool(step.get("held")))


def wait_line(visit: Visit, step: StepRecord) -> None:
    """Say in a line what a step waits for, with a link; nothing for a step that does not wait."""
    if step["status"] != StepStatus.WAITING:
        return
    if is_budget_wait(step):
        budget_waits(visit, [step])
        return
    title = plain(str(step["title"] or step["id"]))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if step.get("child_run_id"):
            st.markdown(
                t(":material/hourglass_empty: **{title}** waits for the run that it called", title=title),
                width="content",
            )
            visit.link(t("Open that run"), "run", icon=":material/arrow_forward:", id=str(step["child_run_id"]))
        elif step.get("awaits") and not step.get("held"):
            _mail_line(step["awaits"], title)
        elif step.get("scheduled"):
            at = plain(full_time(step["due_at"]))
            st.markdown(t(":material/schedule_send: **{title}** goes out at {time}", title=title, time=at))
        elif step.get("approval"):
            st.markdown(t(":material/help: **{title}** waits for a person's answer", title=title), width="content")
        elif step.get("held") and step["held"].get("needs_person"):
            st.markdown(t(":material/front_hand: **{title}** waits: writes are held", title=title), width="content")
        elif step.get("held"):
            _held_line(step, title)
        elif step.get("due_at"):
            until = plain(full_time(step["due_at"]))
            st.markdown(t(":material/hourglass_empty: **{title}** waits until {due_at}", title=title, due_at=until))


def _mail_line(awaits: AwaitedMail, title: str) -> None:
    until, people = plain(full_time(awaits["until"])), plain(", ".join(awaits["people"]))
    if people:
        said = t(
            ":material/mail: **{title}** waits for a reply from {people} until {due_at}",
            title=title,
            people=people,
            due_at=until,
        )
    else:
        said = t(":material/mail: **{title}** waits for a reply until {due_at}", title=title, due_at=until)
    st.markdown(said)


def _held_line(step: StepRecord, title: str) -> None:
    held = step["held"]
    message = plain(translated(str(held["message"])))
    if step["due_at"]:
        by, until = plain(str(held["by"])), plain(near_time(step["due_at"]))
        st.markdown(
            t(
                ":material/hourglass_empty: **{title}**: {by} asks to wait until {until}",
                title=title,
                by=by,
                until=until,
            ),
            help=t("{message} It continues by itself; nothing has failed.", message=message),
        )


def _questions(visit: Visit, run: Run, steps: Sequence[StepRecord]) -> None:
    if not steps:
        return
    asked = list(_asked(visit, steps[:_QUESTIONS]))
    found = [one for one in asked if one.state in UNANSWERED]
    if len(found) < len(asked) and run["status"] != RunStatus.INTERRUPTED:
        st.caption(t(":material/check: Answered: the run goes on in a moment."))
    if len(found) == len(steps) == 1:
        question_card(visit, found[0], run, "run")
        return
    with st.container(gap=None):
        for question in found:
            if question.is_scheduled:
                held_row(visit, question, "run")
            else:
                _line(visit, question)
    if len(steps) > _QUESTIONS:
        more = tn("{count} question", "{count} questions", len(steps) - _QUESTIONS)
        visit.link(t("{questions} more", questions=more), "approvals", icon=":material/arrow_forward:")


def _line(visit: Visit, question: Approval) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"line-waiting-run-{question.id}"):
        question_link(visit, question)
        st.space("stretch")
        st.caption(plain(ago(question.asked_at)), width="content")
        visit.link(tc("button", "Open"), "approvals", question=question.id)


def has_answer(visit: Visit, run: Run) -> bool:
    """Return whether somebody has answered a question with which the run does not go on yet."""
    steps = [step for step in told_waits(run) if step.get("approval")]
    return any(one.state not in UNANSWERED for one in _asked(visit, steps[:_QUESTIONS]))


def open_questions(visit: Visit, steps: Iterable[StepRecord]) -> Iterable[Approval]:
    """Yield the questions of waiting steps that nobody has answered yet."""
    return (one for one in _asked(visit, steps) if one.state in UNANSWERED)


def _asked(visit: Visit, steps: Iterable[StepRecord]) -> Iterable[Approval]:
    for step in steps:
        # If the state file has been lost meanwhile, the run asks again when it goes on.
        with suppress(OrchestraError):
            yield visit.orchestra.approvals.get(visit.who, str(step["approval"]))
