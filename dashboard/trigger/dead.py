"""Items that could not become a run, or whose run failed: the reason, and a button to try again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from clients.errors import ServiceError
from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown
from dashboard.parts.times import ago, full_time
from engine.base.errors import OrchestraError
from engine.triggering.polling.status import DeadItem

_SHOWN = 20


def dead_list(visit: Visit, items: Sequence[DeadItem]) -> None:
    """Show the dead items, newest first, a page at a time; their titles are text from outside."""
    shown = session.draft("dead.shown", _SHOWN)
    if len(items) > 1 and visit.may("run"):
        _retry_all(visit, items)
    for one in items[:shown]:
        key = hashlib.sha256(f"{one.workflow}/{one.trigger}/{one.item}".encode()).hexdigest()[:12]
        with st.container(border=True, key=f"dead-{key}"):
            st.markdown(f"**{plain(one.title or one.item)}**")
            st.caption(plain(f"{one.workflow} · {one.trigger} · {ago(one.seen_at)}"), help=full_time(one.seen_at))
            st.markdown(_why(visit, one))
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                if visit.may("run"):
                    _buttons(visit, one, key)
                if one.run_id is not None:
                    visit.link(t("Open the run"), "run", icon=":material/arrow_forward:", id=one.run_id)

    more = len(items) - shown
    if more > 0 and st.button(t("{more} more", more=more), key="dead-more", icon=":material/expand_more:"):
        session.keep_draft("dead.shown", shown + _SHOWN)
        st.rerun()


def _why(visit: Visit, one: DeadItem) -> str:
    """Return the reason from the item's run, if there is one: the list itself knows only that it failed."""
    if one.run_id is not None:
        with suppress(OrchestraError):  # its log is gone
            return plain(translated(str(visit.orchestra.runs.get(visit.who, one.run_id)["sentence"])))
    return message_markdown(one.error.message, one.error.remedy)


def _buttons(visit: Visit, one: DeadItem, key: str) -> None:
    triggers = visit.orchestra.triggers
    action_button(
        t("Try again"),
        f"dead-retry-{key}",
        lambda _key: triggers.retry(visit.who, one.workflow, one.trigger, one.item),
        lambda run_id: visit.go("run", id=run_id),
        icon=":material/replay:",
    )
    action_button(
        t("Dismiss"),
        f"dead-dismiss-{key}",
        lambda _key: triggers.dismiss(visit.who, one.workflow, one.trigger, one.item),
        lambda _none: _dismissed(one),
        type="tertiary",
        icon=":material/close:",
    )


def _retry_all(visit: Visit, items: Sequence[DeadItem]) -> None:
    """Show the button that tries each again; those that still fail stay in the list."""

    def retry(_key: str) -> tuple[int, str]:
        done, why = 0, ""
        for one in items:
            try:
                visit.orchestra.triggers.retry(visit.who, one.workflow, one.trigger, one.item)
            except (OrchestraError, ServiceError) as error:
                why = why or translated(error.message)
            else:
                done += 1
        return done, why

    scope = hashlib.sha256(" ".join(one.item for one in items).encode()).hexdigest()
    action_button(
        t("Try all {count} again", count=len(items)),
        "dead-retry-all",
        retry,
        lambda result: _retried(*result, len(items)),
        scope=scope,
        type="primary",
        icon=":material/replay:",
    )


def _retried(done: int, why: str, count: int) -> None:
    session.tell(t("{done} of {count} are being tried again.", done=done, count=count))
    if done < count:
        session.tell(t("{count} cannot be tried yet: {why}", count=count - done, why=why), ":material/warning:")
    st.rerun()


def _dismissed(one: DeadItem) -> None:
    session.tell(t("Dismissed: {title}", title=one.title or one.item))
    st.rerun()
