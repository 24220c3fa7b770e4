"""The conversation of an agent: what its model saw and answered, what it called, and what came back, turn by turn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboard.agent.words import asks_words, stopped_words, used_words
from dashboard.approvals.questions import question_card
from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import one_line, outside_badge, outside_code, outside_text, plain
from dashboard.base.prose import outside_answer, outside_prose
from dashboard.parts.errors import errors_shown, message_markdown
from dashboard.parts.status import look_of, status_badge
from dashboard.parts.step_words import exact, type_title
from dashboard.parts.times import duration, full_time
from dashboard.parts.usage import usage_words
from dashboard.parts.values import json_text, shown_value
from dashboard.run.live import live_answers
from dashboard.run.step import messages
from dashboard.run.waits import open_questions, wait_line
from engine.agents.conversation import ASK, AgentConversation, AgentTurn, called_agents, conversation_of, is_agent
from engine.base.clock import moment_of
from engine.base.statuses import ACTIVE_RUNS, StepStatus
from engine.base.step_path import items_around
from engine.base.step_tree import AGENT
from engine.record.types.run import Run
from engine.record.types.step import Failure, StepRecord

_SHORT = 400
"""How many characters of what came back are shown before it is opened."""
_PERSON, _MODEL, _TOOL = ":material/person:", ":material/smart_toy:", ":material/construction:"
PARAM = "agent"
"""The parameter of the address that names the run of the agent whose conversation is open."""


def conversation_tab(visit: Visit, run: Run) -> None:
    """Show the conversation of an agent's run or, in the run of a workflow, of its agents."""
    if is_agent(run):
        conversation(visit, run, asks_here=False)
        return
    steps = {str(one["child_run_id"]): one for one in called_agents(run)}
    shown = talk_of(run)
    if len(steps) > 1:
        shown = st.selectbox(
            t("Agent"),
            list(steps),
            list(steps).index(shown),
            format_func=lambda one: one_line(f"{_title(run, steps[one])} · {look_of(steps[one]['status']).word}"),
            key=f"talk-{run['run_id']}",
        )
        st.query_params[PARAM] = shown
    with errors_shown():
        called = visit.orchestra.runs.look(visit.who, shown).run
        visit.link(t("Open the run of this agent"), "run", icon=":material/arrow_downward:", id=shown)
        conversation(visit, called, asks_here=True)


def talk_of(run: Run) -> str:
    """Return the run whose conversation the page of a run shows, "" if it has none."""
    if is_agent(run):
        return str(run["run_id"])
    known = [str(one["child_run_id"]) for one in called_agents(run)]
    wanted = st.query_params.get(PARAM, "")
    return wanted if wanted in known else next(iter(known), "")


def _title(run: Run, step: StepRecord) -> str:
    """Return the title of a step that lets an agent work, with the title of its item."""
    around = items_around(step["path"])[-1:]
    items = {one["path"]: str(one["title"] or "") for one in run["steps"] if one["path"] in around}
    return " · ".join(one for one in (str(step["title"] or step["id"]), *items.values()) if one)


def conversation(visit: Visit, run: Run, *, asks_here: bool) -> None:
    """Show the conversation in the run of an agent.

    `asks_here`: whether questions to a person are answered in it; the top of a run's own page has them already.
    """
    found, run_id = conversation_of(run), str(run["run_id"])
    with st.container(key=f"talk-{run_id}", gap="xsmall"):
        _limits(found, run)
        _said(visit, run, found, asks_here=asks_here)
        live_answers(visit, run)
        _ending(found, run)


def _said(visit: Visit, run: Run, found: AgentConversation, *, asks_here: bool) -> None:
    with st.chat_message("user", avatar=_PERSON):
        outside_text(found.task)
        if found.variables:
            shown_value(found.variables)
    for turn in found.turns:
        _model(turn, str(run["run_id"]))
        for step in turn.calls:
            _call(visit, run, turn, step, asks_here=asks_here)


def _limits(found: AgentConversation, run: Run) -> None:
    """Show how much of each limit is used; a limit that is nearly reached stands out."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"limits-{run['run_id']}"):
        for words, is_near in used_words(found, run["usage"], datetime.now(UTC)):
            outside_badge(words, color="orange" if is_near else "gray")


def _model(turn: AgentTurn, run_id: str) -> None:
    step = turn.model
    with st.chat_message("assistant", avatar=_MODEL):
        _facts(turn)
        if step["status"] != StepStatus.SUCCEEDED:
            status_badge(step["status"])
        _error(step)
        _answered(turn)
        sent = (step.get("request") or {}).get("messages")
        if sent:
            _on_demand(t("What the model saw"), f"saw-{run_id}-{turn.number}", lambda: _seen(sent, turn))


def _facts(turn: AgentTurn) -> None:
    step = turn.model
    facts = [t("Turn {number}", number=turn.number), *usage_words(step["usage"])]
    if step["started_at"] and step["ended_at"]:
        facts.append(duration((moment_of(step["ended_at"]) - moment_of(step["started_at"])).total_seconds()))
    st.caption(plain(" · ".join(facts)), help=full_time(step["started_at"]) or None)


def _answered(turn: AgentTurn) -> None:
    """Show what the model answered: a call with its arguments, its last word, or what did not fit."""
    answer = turn.answer
    if answer.get("error"):
        st.markdown(t("**It answered something that does not fit**; nothing was done, and the model got this error."))
        outside_text(_cut(str(answer.get("said") or "")))
        st.caption(plain(str(answer["error"])))
    elif answer.get("tool"):
        st.markdown(t("It calls **{tool}**", tool=plain(str(answer["tool"]))))
        if turn.arguments:
            shown_value(turn.arguments)
    elif turn.asks:
        st.markdown(asks_words(str(answer.get("stopped_by") or "")))
        if answer.get("question"):
            outside_prose(_cut(str(answer["question"])))
    elif answer.get("stopped_by") == "finished":
        st.markdown(t("It finishes."))


def _seen(sent: Any, turn: AgentTurn) -> None:
    messages(sent)
    said = str(turn.answer.get("said") or "")
    if said:
        st.caption(t("its answer, as it came"))
        outside_code(said)


def _call(visit: Visit, run: Run, turn: AgentTurn, step: StepRecord, *, asks_here: bool) -> None:
    """Show what came of a call: its result, what it waits for, or why it failed."""
    with st.chat_message("tool", avatar=_PERSON if step["uses"] == ASK else _TOOL):
        look = look_of(step["status"])
        uses = str(step["uses"])
        words = [str(step["title"] or step["id"]), *([type_title(uses)] if step["uses"] else [])]
        st.caption(plain(" · ".join(dict.fromkeys(words))), help=exact(step["path"], uses, step["connection"] or ""))
        _approval(turn, step)
        if step["status"] == StepStatus.WAITING and step.get("approval") and asks_here:
            for question in open_questions(visit, [step]):
                question_card(visit, question, run, "agent")
        elif step["status"] == StepStatus.WAITING:
            wait_line(visit, step)
        elif step["status"] != StepStatus.SUCCEEDED:
            st.markdown(f":{look.color}[{look.icon} {look.word}]")
        _error(step)
        if step["uses"] == AGENT and step.get("child_run_id"):
            label = t("The conversation of this agent")
            visit.link(label, "run", icon=":material/forum:", id=str(step["child_run_id"]))
        if step["output"] is not None:
            _result(step["output"], f"back-{run['run_id']}-{step['path']}")


def _approval(turn: AgentTurn, step: StepRecord) -> None:
    """Show who approved a call, and what was sent if it is not what the model wanted."""
    approved = step.get("approved")
    if not approved:
        return
    edited = t(", edited") if "before" in approved else ""
    st.caption(plain(t("Approved by {person}", person=approved["by"]) + edited))
    sent = turn.sent(step)
    if sent:
        st.markdown(t("It was called with:"))
        shown_value(sent)


def _result(output: Any, key: str) -> None:
    text = output if isinstance(output, str) else json_text(output)
    if len(text) <= _SHORT:
        shown_value(output)
        return
    outside_text(_cut(" ".join(text.split())))
    many = tn("All that came back: {count} character", "All that came back: {count} characters", len(text))
    _on_demand(many, key, lambda: shown_value(output))


def _on_demand(label: str, key: str, show: Callable[[], None]) -> None:
    """Show something long only once it is opened: twenty turns with all they saw are a heavy page."""
    opened = st.expander(label, key=key, type="compact", on_change="rerun")
    if opened.open:
        with opened:
            show()


def _error(step: StepRecord) -> None:
    if step["error"] and step["status"] == StepStatus.FAILED:
        _failure(step["error"])


def _failure(error: Failure) -> None:
    st.error(message_markdown(error["message"], error.get("remedy") or ""), icon=":material/error:")


def _ending(found: AgentConversation, run: Run) -> None:
    if found.stopped_by == "finished":
        with st.chat_message("assistant", avatar=":material/flag:"):
            st.caption(stopped_words(found))
            if isinstance(found.output, str):
                outside_answer(found.output, f"end-{run['run_id']}")
            else:
                shown_value(found.output, f"end-{run['run_id']}")
    elif found.stopped_by:
        st.warning(stopped_words(found), icon=":material/stop_circle:")
    elif run["status"] not in ACTIVE_RUNS and run["error"]:
        _failure(run["error"])


def _cut(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[:_SHORT].rstrip()} …"
