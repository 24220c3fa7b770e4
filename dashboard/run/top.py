"""The top of a run's page: what happened in a sentence, the accounts used, progress, and actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import streamlit as st

from dashboard.base.language import N_, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_badge, plain
from dashboard.parts.accounts import account_badges, accounts_of
from dashboard.parts.errors import message_markdown
from dashboard.parts.run_rows import by_whom, trigger_titles
from dashboard.parts.status import environment_words, status_badge, test_badge
from dashboard.parts.times import ago, duration, full_time
from dashboard.parts.usage import usage_words
from dashboard.run.bounces import run_bounces
from dashboard.run.change.actions import panel_of, run_actions
from dashboard.run.change.bundle import replay_note
from dashboard.run.change.correct import again_words, newest_correction, row_of
from dashboard.run.failures import run_failures
from dashboard.run.kept import kept_note
from dashboard.run.pauses import run_pauses
from dashboard.run.step import is_demo_model, real_model_link, unknown_answer
from dashboard.run.waits import run_waits
from engine.base.statuses import ACTIVE_RUNS, ENDED_RUNS, RunStatus
from engine.record.types.kind import options_of
from engine.record.types.run import Run
from engine.runner.execution.recording import ENGINE
from engine.runs.prompt_tries.recorded import prompt_of
from engine.runs.starting.estimates import words

_MOST_LINKS = 5
_INTERRUPTED = N_("The process that ran it stopped. Nothing is lost: it can be resumed from there.")


def run_top(visit: Visit, run: Run, pulse: Callable[[], None]) -> None:
    """Show the state of a run at a glance; `pulse` draws the parts of a run in progress that the browser updates."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        status_badge(str(run["status"]), run["counts"])
        test_badge(run["kind"])
        environment = run.get("environment")
        if environment is not None:
            outside_badge(environment_words(environment["name"], environment["version"]), ":material/layers:")
        account_badges(accounts_of(run))
    pulse()
    if run["status"] not in ACTIVE_RUNS:
        st.header(plain(translated(run["sentence"])), anchor=False)
        st.caption(plain(facts(run, _with_called(visit, run))), help=full_time(run["started_at"] or run["queued_at"]))
        _demo_model(visit, run)
    _ending(run)
    run_bounces(visit, run)
    replay_note(visit, run)
    _links(visit, run)
    kept_note(visit, run, panel_of(str(run["run_id"])))
    run_pauses(visit, run)
    run_waits(visit, run)
    run_actions(visit, run)
    _unknown(visit, run)


def _demo_model(visit: Visit, run: Run) -> None:
    """Say that the answers are those of the demo's model, which only looks for words that it knows."""
    asked = [step for step in run["steps"] if is_demo_model(run, step) and step["attempts"]]
    if not asked:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="demo-model"):
        told = t("The demo's scripted model answered; your own model reads better.")
        st.caption(f":material/science: {told}", width="content")
        real_model_link(visit, run, next((one for one in asked if prompt_of(one)), asked[0]))


def facts(run: Run, with_called: str = "") -> str:
    """Return when and by whom a run was started, and its duration and usage so far.

    `with_called`: the usage including the runs that it called, if it is known.
    """
    parts = [
        ago(run["started_at"] or run["queued_at"]),
        by_whom(str(run["started_by"]), trigger_titles(run["definition"]["workflow"])),
    ]
    parts += [t("took {time}", time=duration(run["duration_seconds"]))] if run["duration_seconds"] is not None else []
    by_people = [one for one in run.get("resumed") or [] if one.get("by") != ENGINE]  # an answer is not a resumption
    parts += [t("resumed {count}×", count=len(by_people))] if by_people else []
    used = usage_words(run["usage"])
    called = with_called or (t("without the runs that it called") if used and _has_called(run) else "")
    expected = translated(words(run.get("estimate"))) if used else ""
    return " · ".join([*parts, *used, *filter(None, [called, expected])])


def _with_called(visit: Visit, run: Run) -> str:
    """Return all that a run has used, if its steps do not show all: with the runs that it called, and other calls."""
    found = visit.orchestra.usage.of_run(visit.who, str(run["run_id"]))
    every = ", ".join(usage_words(asdict(found)))
    if not every:
        return ""
    if _has_called(run):
        return t("with the runs that it called: {usage}", usage=every)
    if run["status"] in ENDED_RUNS and found.is_more_than(run["usage"]):
        return t("including calls whose answer no step has: {usage}", usage=every)
    return ""


def _has_called(run: Run) -> bool:
    return any(step.get("child_run_id") for step in run["steps"])


def _ending(run: Run) -> None:
    """Show why the run ended early or failed, or why items failed if the run went on without them."""
    if run["status"] == RunStatus.INTERRUPTED:
        st.info(t(_INTERRUPTED), icon=":material/pause_circle:")
    if run.get("stopped"):
        why = plain(str(run["stopped"]["message"])) or t("It gives no reason.")
        st.info(t("**The workflow ended it here.** {why}", why=why), icon=":material/stop_circle:")
    _error(run)
    after = run.get("on_failure_error")
    if after:
        words = message_markdown(after["message"], after.get("remedy") or "")
        st.warning(t("**The steps that run on failure failed, too:** {words}", words=words), icon=":material/warning:")


def _error(run: Run) -> None:
    error = run["error"]
    if run["counts"].get("rejected"):
        return  # the sentence says who rejected what
    if run["counts"]["failed_items"]:
        if run["status"] not in ACTIVE_RUNS:
            run_failures(run)
    elif error and run["status"] == RunStatus.FAILED:
        st.error(message_markdown(error["message"], error.get("remedy") or ""), icon=":material/error:")


def _links(visit: Visit, run: Run) -> None:
    """Link to the project it works on, the run that called it, the run that it corrects, and those that correct it."""
    project = run["inputs"].get("project")
    if isinstance(project, str) and any((step["uses"] or "").startswith("project.") for step in run["steps"]):
        label = t("Open the project {name}", name=project)
        visit.link(label, "projects", icon=":material/deployed_code:", project=project)
    corrects = options_of(run).get("corrects")
    if corrects is not None:
        label = t("Corrects an answer of run {run}", run=corrects["run"])
        visit.link(label, "run", icon=":material/rule:", id=corrects["run"], open=row_of(corrects["step"]))
    later = [(step, step["corrected"]) for step in run["steps"] if "corrected" in step]
    for step, known in later[:_MOST_LINKS]:
        newest = newest_correction(visit, step["path"], known)
        label = t("Corrected: see run {run_id}", run_id=known["run_id"]) if newest == known else again_words(newest)
        visit.link(label, "run", icon=":material/rule:", id=newest["run_id"], open=row_of(step["path"]))
    if run["parent_run_id"]:
        caller = run["caller"] or [""]
        label = t("Called by a step of {caller}", caller=caller[0]) if caller[0] else t("The run that called it")
        visit.link(label, "run", icon=":material/arrow_upward:", id=str(run["parent_run_id"]))


def _unknown(visit: Visit, run: Run) -> None:
    count = run["counts"]["unknown_effects"]
    if not count or run["status"] in ACTIVE_RUNS:
        return
    with st.container(border=True, key="unknown"):
        st.markdown(
            tn(
                ":material/help: **{count} write is open**: the service gave no clear answer.",
                ":material/help: **{count} writes are open**: the service gave no clear answer.",
                count,
            )
        )
        if visit.may("run"):
            unknown_answer(visit, str(run["run_id"]), None)
