"""The Try tab of an agent: it works on a task in the demo, and its conversation is shown beside."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from dashboard.agent.conversation import conversation
from dashboard.agent.draft import typed
from dashboard.base import fields
from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.editing.draft import EditorDraft
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box, errors_shown
from dashboard.parts.inputs import inputs_form
from dashboard.parts.status import status_badge
from dashboard.run.feed import talk_seen
from engine.base.errors import InvalidInput, UnknownName
from engine.base.statuses import ACTIVE_RUNS, OPEN_RUNS, RunStatus
from engine.documents.json_file import object_in
from engine.record.types.run import Run

PARAM = "try"
"""The parameter of the address that names the run shown."""
_LOOK_SECONDS = 1.0


def try_tab(visit: Visit, draft: EditorDraft) -> None:
    """Ask for a task and the variables; people with the right can let the agent work on it."""
    left, right = st.columns([2, 3], gap="large")
    with left, errors_shown():
        st.caption(t("It works in the demo, as it is in the editor: no real account is used, and nothing is sent."))
        document = object_in(typed(draft).text)
        if document is None:
            st.info(t("Correct the text first: it is not JSON."), icon=":material/data_object:")
        elif visit.may("run"):
            _ask(visit, draft, document)
    with right, errors_shown():
        _shown(visit)


def _ask(visit: Visit, draft: EditorDraft, document: dict[str, object]) -> None:
    task = fields.text_area(t("Task"), "", key=f"agent-task-{draft.name}", height=120, persist_state="session")
    variables = document.get("variables")
    schema = {"properties": variables if isinstance(variables, dict) else {}}
    values, errors = inputs_form(schema, f"agent-try-{draft.name}", lambda _format: [])
    for error in errors:
        error_box(error)
    text = typed(draft).text
    action_button(
        t("Try in the demo"),
        f"agent-try-{draft.name}",
        lambda key: visit.orchestra.agent_tries.start(
            visit.who, draft.name, text, _required(task), values, request_key=key
        ),
        _begun,
        scope=f"{hash(text)} {task} {values}",
        type="primary",
        icon=":material/play_arrow:",
        disabled=bool(errors),
    )


def _required(task: str) -> str:
    if not task.strip():
        raise InvalidInput("The task is empty.", remedy="Write what the agent is to do.")
    return task


def _begun(run_id: str) -> None:
    st.query_params[PARAM] = run_id


def _shown(visit: Visit) -> None:
    """Show the conversation of the try that the address names; it is redrawn while the agent works."""
    run_id = st.query_params.get(PARAM, "")
    if not run_id:
        st.caption(t("The conversation appears here, turn by turn."))
        return
    try:
        look = visit.orchestra.runs.look(visit.who, run_id)
    except UnknownName:
        st.query_params.pop(PARAM)
        return
    first = look.run

    @st.fragment(run_every=_LOOK_SECONDS if first["status"] in ACTIVE_RUNS else None)
    def body() -> None:
        with errors_shown():
            run = visit.orchestra.runs.look(visit.who, run_id).run
            if (run["status"] in ACTIVE_RUNS) != (first["status"] in ACTIVE_RUNS):
                st.rerun()
            _conversation(visit, run)

    body()
    if first["status"] == RunStatus.WAITING:
        st.fragment(_until_answered, run_every=_LOOK_SECONDS)(visit, run_id, talk_seen(look))


def _until_answered(visit: Visit, run_id: str, seen: str) -> None:
    """Redraw the page once the run goes on, wherever it was answered; until then a half-typed text is left alone."""
    with suppress(UnknownName):
        if talk_seen(visit.orchestra.runs.look(visit.who, run_id)) == seen:
            return
    st.rerun()


def _conversation(visit: Visit, run: Run) -> None:
    run_id = str(run["run_id"])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        status_badge(str(run["status"]), run["counts"])
        visit.link(t("Open its run"), "run", icon=":material/arrow_forward:", id=run_id)
        if run["status"] in OPEN_RUNS and visit.may("run"):
            action_button(
                t("Stop"),
                f"agent-stop-{run_id}",
                lambda _key: visit.orchestra.runs.cancel(visit.who, run_id),
                lambda _seconds: st.rerun(),
                icon=":material/stop:",
            )
    if run["status"] not in ACTIVE_RUNS and run["sentence"]:
        st.caption(plain(translated(run["sentence"])))
    conversation(visit, run, asks_here=True)
