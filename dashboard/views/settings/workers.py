"""Workers: the processes that work on runs, on this machine or others, and the way to let one end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.header import page_header
from dashboard.parts.times import ago, full_time
from engine.store.owners import RunAtWork

if TYPE_CHECKING:
    from engine.runs.workers import WorkerProcess

PAGE = Page(
    title=N_("Workers"),
    icon=":material/dns:",
    path="workers",
    order=74,
    section=N_("Settings"),
    right="view",
    words=N_("process machine server queue drain"),
)

_OF_DRAINED_WORKER = N_("It takes no more runs, and ends once it has done what it had begun.")
_OF_DRAINED_SERVER = N_("It takes no more runs until it is started again, and does everything else.")


def show(visit: Visit) -> None:
    """Show each process with what it does."""
    page_header(visit, t("Workers"), t("The processes that work on runs, on this machine or others."))
    _list(visit)
    st.caption(
        t(
            "With the state on a PostgreSQL server, more of them share the work: `orchestra worker`. "
            "Without one, this server does all of it."
        )
    )


@st.fragment(run_every=5)
def _list(visit: Visit) -> None:
    with errors_shown():
        for line in visit.orchestra.workers.check(visit.who):
            if not line.ok:
                st.warning(plain_with_code(line.text), icon=":material/warning:")
        for one in visit.orchestra.workers.list(visit.who):
            _card(visit, one)


def _card(visit: Visit, one: WorkerProcess) -> None:
    with st.container(border=True, key=f"worker-{one.id}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(one.host or one.id)}**", width="content")
            st.badge(_kind(one), icon=":material/badge:", color="gray")
            if one.state == "silent":
                st.badge(t("Silent: others take over its runs"), icon=":material/heart_broken:", color="red")
            elif one.state == "draining":
                st.badge(t("Takes no more runs"), icon=":material/logout:", color="orange")
        if one.slots:
            st.progress(min(1.0, one.runs / one.slots), t("{runs} of {slots} runs", runs=one.runs, slots=one.slots))
        else:
            st.markdown(t("Runs at work: {runs}", runs=one.runs))
        since = t("started {time}", time=ago(one.started_at))
        st.caption(plain(f"{one.id} · {since}"), help=full_time(one.started_at))
        _runs(visit, one)
        if one.takes_runs and visit.may("admin"):
            what = t(_OF_DRAINED_SERVER) if one.kind == "serve" else t(_OF_DRAINED_WORKER)
            action_button(
                t("Drain"),
                f"drain-{one.id}",
                lambda _key: visit.orchestra.workers.drain(visit.who, one.id),
                lambda _done: st.rerun(),
                type="tertiary",
                icon=":material/logout:",
                help=what,
            )


def _runs(visit: Visit, one: WorkerProcess) -> None:
    """Name the runs that a process works on, with links to them."""
    for run in one.at_work:
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key=f"at-work-{one.id}-{run.run_id}"
        ):
            visit.link(run.title, "run", icon=":material/play_circle:", id=run.run_id)
            st.caption(_since(run), help=full_time(run.started_at), width="content")
    more = one.runs - len(one.at_work)
    if more > 0:
        st.caption(t("and {count} more", count=more))


def _since(run: RunAtWork) -> str:
    return t("begins") if run.started_at is None else t("started {time}", time=ago(run.started_at))


def _kind(one: WorkerProcess) -> str:
    return {"serve": t("server"), "worker": t("worker")}.get(one.kind, t("command"))
