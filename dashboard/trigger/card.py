"""A trigger as people see it: what it watches, its account, its health, and its switch."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from clients.plural import counted
from dashboard.base import session
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.parts.accounts import Used, account_badge
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown
from dashboard.parts.times import ago, full_time, near_time
from dashboard.parts.values import json_text
from dashboard.trigger.start import start_dialog, would_process
from engine.base.statuses import AccountMode
from engine.triggering.polling.status import PollResult, State, TriggerStatus

Color = Literal["green", "red", "orange", "gray"]
_BADGES: dict[State, tuple[str, Color]] = {
    "by hand": (":material/touch_app:", "gray"),
    "off": (":material/toggle_off:", "gray"),
    "resting": (":material/bedtime:", "gray"),
    "broken": (":material/error:", "red"),
    "needs you": (":material/front_hand:", "red"),
    "silent": (":material/notifications_active:", "red"),
    "trying again": (":material/sync_problem:", "orange"),
    "on": (":material/sensors:", "green"),
}


def trigger_card(visit: Visit, one: TriggerStatus, place: str) -> None:
    """Show a trigger; `place` distinguishes the same card on two pages."""
    key = f"{place}-{one.workflow}-{one.id}-{one.demo}"
    with st.container(border=True, key=f"trigger-{key}"):
        _title(visit, one, place, key)
        if one.fields:
            watched = [f"{name.replace('_', ' ')}: {_shown(value)}" for name, value in one.fields.items()]
            st.caption(plain(" · ".join(watched)))
        _health(one)
        if one.problem is not None:
            st.error(message_markdown(one.problem.message, one.problem.remedy), icon=":material/error:")
        if one.error is not None:
            st.warning(message_markdown(one.error.message, one.error.remedy), icon=":material/warning:")
        if one.note and one.error is None:
            st.caption(plain_with_code(one.note))
        if not one.is_watched:
            st.caption("Started by people; nothing is watched.")
        elif not one.is_resting:
            _buttons(visit, one, key)


def _title(visit: Visit, one: TriggerStatus, place: str, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"titled-trigger-{key}"):
        if place == "workflow":
            st.markdown(f"**{plain(one.title)}**", width="content")
        else:
            visit.title_link(f"{one.workflow_title or one.workflow}: {one.title}", "workflow", name=one.workflow)
        icon, color = _BADGES[one.state]
        st.badge(one.state.capitalize(), icon=icon, color=color)
        if one.connection is not None:
            service = one.uses.partition(".")[0]
            account_badge(
                Used(service, AccountMode.DEMO if one.demo else AccountMode.MINE, "" if one.demo else one.account)
            )


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)


def _health(one: TriggerStatus) -> None:
    """Say when it last polled, when it will poll next, and what it has seen."""
    if not one.is_on:
        return
    polls = [f"polled {ago(one.looked_at)}" if one.looked_at else "has not polled yet"]
    if one.error is not None and one.succeeded_at:
        polls.append(f"last successful poll {ago(one.succeeded_at)}")
    if one.look_again_at and not one.is_resting:
        polls.append(f"polls again at {near_time(one.look_again_at)}")
    seen = [f"{counted(one.items, 'item')} seen"]
    if one.item_at:
        seen.append(f"the newest from {ago(one.item_at)}")
    seen += [f"{count} {word}" for count, word in ((one.queued, "queued"), (one.running, "running")) if count]
    if one.dead:
        seen.append(f"{one.dead} need{'s' * (one.dead == 1)} attention")
    seen += [f"{count} left out: {why}" for why, count in one.left_out.items()]
    for line in (polls, seen):
        text = " · ".join(line)
        st.caption(plain(text[:1].upper() + text[1:]), help=full_time(one.looked_at) or None)


def _buttons(visit: Visit, one: TriggerStatus, key: str) -> None:
    with st.container(horizontal=True, gap="small"):
        if visit.may("edit"):
            _switch(visit, one, key)
        if one.is_on and visit.may("run"):
            action_button(
                "Poll now",
                f"poll-{key}",
                lambda _key: visit.orchestra.triggers.poll(visit.who, one.workflow, one.id),
                _looked,
                icon=":material/refresh:",
            )
        if one.is_on and st.button("What would it process now?", key=f"would-{key}", type="tertiary"):
            would_process(visit, one)


def _switch(visit: Visit, one: TriggerStatus, key: str) -> None:
    if one.is_on:
        action_button(
            "Turn off",
            f"off-{key}",
            lambda _key: visit.orchestra.triggers.turn_off(visit.who, one.workflow, one.id),
            lambda _none: _announce(f"{one.title} is off. It remembers how far it came."),
            icon=":material/toggle_off:",
        )
    elif st.button("Turn on …", key=f"on-{key}", type="primary", icon=":material/sensors:"):
        start_dialog(visit, one)


def _looked(results: list[PollResult]) -> None:
    found, started = sum(one.found for one in results), sum(len(one.started) for one in results)
    for error in (one.error for one in results if one.error is not None):
        session.tell(f"The poll failed: {error.message}", ":material/error:")
    if found or not any(one.error for one in results):
        session.tell(f"{counted(found, 'new item')}, {counted(started, 'run')} started." if found else "Nothing new.")
    st.rerun()


def _announce(text: str) -> None:
    session.tell(text)
    st.rerun()
