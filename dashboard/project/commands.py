"""Commands in a project: chosen or typed, run in the sandbox, with their output as it comes."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import one_line, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.times import ago
from dashboard.project.frame import mount
from engine.base.clock import moment_of
from engine.projects.records import ProjectInfo
from engine.runs.projects.commands import CommandRun

_EARLIER = 8


def commands_tab(visit: Visit, project: ProjectInfo) -> None:
    """Show the field for a command, the output of the last one, and earlier ones."""
    runs = visit.orchestra.project_runs.list(visit.who, project.name)
    if visit.may("run"):
        _form(visit, project)
    else:
        st.caption(t("Operators and editors can run commands."))
    wanted = st.query_params.get("run", "")
    shown = next((one for one in runs if one.id == wanted), runs[0] if runs else None)
    if shown is None:
        st.caption(t("No command has been run since the server was started."))
        return
    _output(visit, shown)
    _earlier(runs, shown)


def _form(visit: Visit, project: ProjectInfo) -> None:
    commands = visit.orchestra.projects.commands(visit.who, project.name)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        command = st.selectbox(
            t("Command"),
            commands,
            key=f"project-command-{project.name}",
            accept_new_options=True,
            format_func=one_line,
            width=520,
            help=t("Choose one, or type another. It runs in the sandbox, with the files of the last commit."),
        )

        def start(_request_key: str) -> str:
            return visit.orchestra.project_runs.start(visit.who, project.name, command or "").id

        action_button(
            t("Run"),
            f"project-run-{project.name}",
            start,
            _show,
            scope=f"{project.head} {command}",
            type="primary",
            icon=":material/play_arrow:",
        )
    st.caption(t("It has no network, and what it writes to the disk is not kept."))


def _show(run_id: str) -> None:
    st.query_params["run"] = run_id
    st.rerun()


def _output(visit: Visit, run: CommandRun) -> None:
    """Show a command with its output; once it has ended, the page is redrawn."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(run.command)}**")
            st.space("stretch")
            _badge(run)
        if run.reason and run.state != "running":
            st.caption(plain(translated(run.reason)))
        mount(
            f"project-output-{run.id}",
            {
                "part": "output",
                "project": run.project,
                "run": run.id,
                "state": run.state,
                "may_stop": visit.may("run"),
            },
        )


def _badge(run: CommandRun) -> None:
    if run.state == "running":
        st.badge(t("running"), icon=":material/sync:", color="blue")
    elif run.state == "succeeded":
        st.badge(t("succeeded"), icon=":material/check:", color="green")
    elif run.state == "stopped":
        st.badge(t("stopped"), icon=":material/stop:", color="gray")
    else:
        st.badge(t("failed"), icon=":material/close:", color="red")


def _earlier(runs: list[CommandRun], shown: CommandRun) -> None:
    others = [one for one in runs if one.id != shown.id][:_EARLIER]
    if not others:
        return
    st.markdown(t("**Earlier commands**"))
    for one in others:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"row-command-{one.id}"):
            if st.button(plain(one_line(one.command)[:80]), key=f"project-shown-{one.id}", type="tertiary"):
                _show(one.id)
            st.space("stretch")
            st.caption(ago(moment_of(one.started_at)))
            _badge(one)
