"""The history of a project: its commits, and what each has changed."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import one_line, outside_code, outside_text, plain
from dashboard.parts.pick_table import pick_table
from dashboard.parts.times import ago
from engine.base.clock import moment_of
from engine.projects.records import CommitInfo, ProjectInfo

_SHOWN = 100
_MOST_CHARACTERS, _MOST_FILES = 60_000, 30


def history_tab(visit: Visit, project: ProjectInfo) -> None:
    """Show the commits, and the differences of the open one."""
    commits = visit.orchestra.projects.log(visit.who, project.name, _SHOWN)
    columns = {"message": t("Change"), "tests": t("Tests"), "by": t("By"), "at": t("When"), "id": t("Commit")}
    opened = pick_table(
        "commit", [one.id for one in commits], [_row(one) for one in commits], columns, alt=t("Commits")
    )
    if len(commits) == _SHOWN:
        st.caption(t("The last {shown} commits.", shown=_SHOWN))
    shown = next((one for one in commits if one.id == opened), commits[0] if commits else None)
    if shown is not None:
        _commit(visit, project.name, shown)


def _row(one: CommitInfo) -> dict[str, str]:
    return {
        "message": one_line(one.message.partition("\n")[0]),
        "tests": _tests(one),
        "by": one_line(one.author),
        "at": ago(moment_of(one.at)),
        "id": one.id[:10],
    }


def _tests(one: CommitInfo) -> str:
    return {True: f"✓ {t('passed')}", False: f"✗ {t('failed')}", None: ""}[one.is_green]


def _commit(visit: Visit, name: str, one: CommitInfo) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            outside_text(one.message)
            st.space("stretch")
            if one.is_green:
                st.badge(t("passed"), icon=":material/check:", color="green")
            elif one.is_green is not None:
                st.badge(t("failed"), icon=":material/close:", color="red")
            if one.run_id:
                visit.link(t("Run"), "run", icon=":material/play_circle:", id=one.run_id)
        differences = visit.orchestra.projects.diff(visit.who, name, one.parent or "", one.id)
        if not differences:
            st.caption(t("It has changed no file."))
        for path, lines in [*differences.items()][:_MOST_FILES]:
            st.markdown(f"**{plain(path)}**")
            if lines:
                outside_code(lines[:_MOST_CHARACTERS], "diff")
            else:
                st.caption(t("This file is empty."))
            if len(lines) > _MOST_CHARACTERS:
                st.caption(t("The rest is left out here; the download has all of it."))
        if (more := len(differences) - _MOST_FILES) > 0:
            st.caption(tn("{count} more file was changed.", "{count} more files were changed.", more))
