"""One run: what happened, item by item, while it runs and afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dashboard.agent.conversation import conversation_tab, talk_of
from dashboard.base.language import N_, language, t, tc
from dashboard.base.page import Page, Visit
from dashboard.base.run_files import run_files
from dashboard.parts.errors import errors_shown
from dashboard.parts.header import found, page_header, page_line, section
from dashboard.parts.kill import kill_note
from dashboard.parts.tabs import PARAM, page_tabs, tab_name
from dashboard.parts.times import full_time
from dashboard.parts.values import shown_value
from dashboard.run.as_json import run_json
from dashboard.run.change.bundle import export_run
from dashboard.run.detail import run_detail
from dashboard.run.feed import ITEMS, TALK, after_of, board_of, drawn, head_of, new_rows, talk_look
from dashboard.run.live import live_answers, may_write
from dashboard.run.map import run_map
from dashboard.run.page import mount
from dashboard.run.row import table_rows
from dashboard.run.table import run_table
from dashboard.run.timeline import run_timeline
from dashboard.run.top import run_top
from dashboard.run.waits import has_answer
from dashboard.workflow.copilot import run_copilot
from engine.agents.conversation import is_agent
from engine.base.statuses import ACTIVE_RUNS, RunStatus
from engine.record.types.run import Run
from engine.runs.run_looks import RunLook

PAGE = Page(title=N_("Run"), icon=":material/play_circle:", path="run", order=31, section=N_("Runs"), in_menu=False)

_LOOK_SECONDS, _WRITING_SECONDS, _WAITING_SECONDS = 2.0, 1.0, 10.0
"""How often the browser asks for changes: for a run in progress, one whose models are writing, one that waits."""
_TRAIL = [(N_("Runs"), "runs")]
_STEPS, _ITEMS = N_("Steps"), N_("Items")


def show(visit: Visit) -> None:
    """Show the run that `?id=` names; while it is in progress the browser asks every two seconds for changes."""
    run_id = st.query_params.get("id", "")
    if not run_id:
        page_header(visit, tc("noun", "Run"), t("Choose a run from the list."), trail=_TRAIL)
        return
    look = found(visit, lambda: visit.orchestra.runs.look(visit.who, run_id), tc("noun", "Run"), _TRAIL)
    with page_line(visit, _title(look.run), _TRAIL):
        run_copilot(visit, look.run)
    _live(visit, look)


def _title(run: Run) -> str:
    return str(run["definition"]["workflow"].get("title") or run["workflow"])


def _live(visit: Visit, look: RunLook) -> None:
    """Draw the run, and redraw it when more has changed than the browser updates by itself."""
    run_id, is_open = str(look.run["run_id"]), look.run["status"] in ACTIVE_RUNS
    known = [look]

    @st.fragment
    def body() -> None:
        with errors_shown():
            now = known.pop() if known else visit.orchestra.runs.look(visit.who, run_id)
            if (now.run["status"] in ACTIVE_RUNS) != is_open:
                st.rerun()  # the numbers in the menu may change
            with st.container(key="wide"):
                _run(visit, now)
            return
        if is_open:  # the error may pass: redrawn as soon as the run can be read
            _mount_pulse(
                f"again-{run_id}",
                {"run": run_id, "every": _WAITING_SECONDS, "asked": {"language": language()}, "drawn": ""},
            )

    body()


def _run(visit: Visit, look: RunLook) -> None:
    run = look.run
    kill_note()
    tabs = _tabs(visit, look)
    if is_agent(run) and st.query_params.get("open") and PARAM not in st.query_params:
        st.query_params[PARAM] = tab_name(_STEPS)  # a link to a step
    wanted = st.query_params.get(PARAM, "")
    name = next((one for one in tabs if tab_name(one) == wanted), next(iter(tabs)))
    run_top(visit, run, lambda: _pulse(visit, look, ITEMS if name in (_STEPS, _ITEMS) else tab_name(name)))
    for tab, show_tab in zip(page_tabs(list(tabs), f"run-tabs-{run['run_id']}"), tabs.values(), strict=True):
        if tab.open:
            with tab:
                show_tab()


def _tabs(visit: Visit, look: RunLook) -> dict[str, Callable[[], None]]:
    """Return what each tab shows, in their order: of an agent, its conversation comes first."""
    run = look.run
    items = {_ITEMS if board_of(look).noun else _STEPS: lambda: _items(visit, look)}
    talk = {N_("Conversation"): lambda: conversation_tab(visit, run)} if talk_of(run) else {}
    others = {
        N_("Timeline"): lambda: run_timeline(visit, run),
        N_("Map"): lambda: run_map(visit, run),
        "JSON": lambda: _json(visit, run),
    }
    return {**talk, **items, **others} if is_agent(run) else {**items, **talk, **others}


def _json(visit: Visit, run: Run) -> None:
    """Show the document of a run, and the button that saves it for somebody else."""
    export_run(visit, run)
    run_json(run)


def _pulse(visit: Visit, look: RunLook, tab: str) -> None:
    """Draw the head of a run in progress, and let the browser ask for changes until the run ends."""
    run = look.run
    is_open, opened = run["status"] in ACTIVE_RUNS, st.query_params.get("open", "")
    if not is_open and run["status"] != RunStatus.WAITING:
        return
    if tab == TALK:
        opened = talk_of(run)
    every = _seconds(visit, look, opened if tab == TALK else "")
    data = {
        "run": run["run_id"],
        "every": every,
        "asked": {"open": opened, "tab": tab, "language": language()},
        "drawn": drawn(visit.orchestra, visit.who, look, opened, tab),
        "head": head_of(look) if is_open else None,
        "started": full_time(run["started_at"] or run["queued_at"]),
    }
    _mount_pulse(f"pulse-{run['run_id']}", data)


def _seconds(visit: Visit, look: RunLook, talk: str) -> float:
    """Return how often the browser asks; `talk` is the run whose conversation is shown, "" for none."""
    shown = (talk_look(visit.orchestra, visit.who, talk) if talk else None) or look
    run = shown.run
    if run["status"] not in ACTIVE_RUNS:
        return _LOOK_SECONDS if has_answer(visit, run) else _WAITING_SECONDS
    return _WRITING_SECONDS if may_write(run) else _LOOK_SECONDS


def _mount_pulse(key: str, data: Mapping[str, Any]) -> None:
    mount(key, {"part": "pulse", **data})


def _items(visit: Visit, look: RunLook) -> None:
    run, shown, after = look.run, board_of(look), after_of(look)
    run_id = str(run["run_id"])
    is_after = after is not None and after.row(st.query_params.get("open", "")) is not None
    run_table(run_id, shown, new_rows(look, ""))
    live_answers(visit, run)
    if not is_after:
        run_detail(visit, run, shown)
    if after is not None:
        section(t("Because it failed"))
        rows = [[index, row] for index, row in enumerate(table_rows(after))]
        run_table(run_id, after, {"version": "", "count": len(rows), "rows": rows}, "-failure")
        if is_after:
            run_detail(visit, run, after)
    with st.expander(t("What the run was given, and what it returned"), expanded=bool(run["outputs"])):
        left, right = st.columns(2, gap="medium")
        with left:
            st.markdown(f"**{t('Inputs')}**")
            shown_value(run["inputs"], words=_input_titles(run))
        with right:
            st.markdown(f"**{t('Outputs')}**")
            shown_value(run["outputs"], f"outputs-{run_id}")
        run_files(visit, run, [run["inputs"], run["outputs"]], "run")


def _input_titles(run: Run) -> Mapping[str, str]:
    """Return what the form of the workflow calls its inputs."""
    known = (run["definition"]["workflow"].get("inputs") or {}).get("properties", {})
    return {name: str(one["title"]) for name, one in known.items() if isinstance(one, Mapping) and one.get("title")}
