"""A trigger as people see it: what it watches, its account, its health, and its switch."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.parts.accounts import UsedAccount, account_badge
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown
from dashboard.parts.times import ago, full_time, near_time
from dashboard.trigger.changing import change_buttons
from dashboard.trigger.form import fields_line, form_box, is_form
from dashboard.trigger.hook import hook_box, is_hook
from dashboard.trigger.start import start_dialog, would_process
from dashboard.trigger.words import watched_words
from engine.base.statuses import AccountMode
from engine.triggering.polling.not_watched import NotWatched
from engine.triggering.polling.status import PollResult, State, TriggerStatus

Color = Literal["green", "red", "orange", "gray"]
_BADGES: dict[State, tuple[str, str, Color]] = {
    "by hand": (N_("By hand"), ":material/touch_app:", "gray"),
    "off": (N_("Off"), ":material/toggle_off:", "gray"),
    "resting": (N_("Resting"), ":material/bedtime:", "gray"),
    "broken": (N_("Broken"), ":material/error:", "red"),
    "needs you": (N_("Needs you"), ":material/front_hand:", "red"),
    "silent": (N_("Silent"), ":material/notifications_active:", "red"),
    "trying again": (N_("Trying again"), ":material/sync_problem:", "orange"),
    "on": (N_("On"), ":material/sensors:", "green"),
}


def trigger_card(visit: Visit, one: TriggerStatus, place: str, *, is_changeable: bool = False) -> None:
    """Show a trigger; `place` distinguishes its cards on two pages; `is_changeable`: it can be edited and removed."""
    key = f"{place}-{one.workflow}-{one.id}-{one.demo}"
    with st.container(border=True, key=f"trigger-{key}"):
        _title(visit, one, place, key)
        if is_form(one):
            st.caption(plain(fields_line(one)))
            form_box(visit, one, key)
        elif one.fields:
            st.caption(plain(watched_words(one.uses, one.fields, visit.orchestra.triggers.time_zone(visit.who))))
        if is_hook(one):
            hook_box(visit, one, key)
        _health(one)
        if one.asking:
            words = tn("{count} waits for you", "{count} wait for you", one.asking)
            visit.link(words, "approvals", icon=":material/how_to_reg:")
        _remarks(one)
        if not one.is_watched:
            st.caption(t("Started by people; nothing is watched."))
        if not one.is_resting:
            with st.container(horizontal=True, gap="small"):
                if one.is_watched:
                    _buttons(visit, one, key)
                if is_changeable and visit.may("edit"):
                    change_buttons(visit, one, key)


def _title(visit: Visit, one: TriggerStatus, place: str, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"titled-trigger-{key}"):
        if place == "workflow":
            st.markdown(f"**{plain(t(one.title))}**", width="content")
        else:
            visit.title_link(f"{one.workflow_title or one.workflow}: {t(one.title)}", "workflow", name=one.workflow)
        word, icon, color = _BADGES[one.state]
        st.badge(t(word), icon=icon, color=color)
        trigger_account(one)


def trigger_account(one: TriggerStatus) -> None:
    """Show whose account a trigger watches, if it watches one."""
    if one.connection is not None:
        mode = AccountMode.DEMO if one.demo else AccountMode.MINE
        account_badge(UsedAccount(one.uses.partition(".")[0], mode, "" if one.demo else one.account))


def _health(one: TriggerStatus) -> None:
    """Say when it last polled, when it will poll next, and what it has seen."""
    if not one.is_on:
        return
    polls = [t("polled {looked_at}", looked_at=ago(one.looked_at)) if one.looked_at else t("has not polled yet")]
    if one.error is not None and one.succeeded_at:
        polls.append(t("last successful poll {succeeded_at}", succeeded_at=ago(one.succeeded_at)))
    if one.look_again_at and not one.is_resting:
        polls.append(t("polls again at {look_again_at}", look_again_at=near_time(one.look_again_at)))
    seen = [t("{items} seen", items=tn("{count} item", "{count} items", one.items))]
    if one.item_at:
        seen.append(t("the newest from {item_at}", item_at=ago(one.item_at)))
    seen += [t("{count} queued", count=one.queued)] if one.queued else []
    at_work = max(0, one.running - one.asking)
    seen += [t("{count} running", count=at_work)] if at_work else []
    if one.dead:
        seen.append(tn("{count} needs attention", "{count} need attention", one.dead))
    seen += [t("{count} left out: {why}", count=count, why=translated(why)) for why, count in one.left_out.items()]
    for line in (polls, seen):
        text = " · ".join(line)
        st.caption(plain(text[:1].upper() + text[1:]), help=full_time(one.looked_at) or None)


def _buttons(visit: Visit, one: TriggerStatus, key: str) -> None:
    if visit.may("edit"):
        _switch(visit, one, key)
        if _needs_turning_on(one) and st.button(
            t("Turn on again …"), key=f"again-{key}", type="primary", icon=":material/sensors:"
        ):
            start_dialog(visit, one)
    if one.is_on and visit.may("run"):
        action_button(
            t("Poll now"),
            f"poll-{key}",
            lambda _key: visit.orchestra.triggers.poll(visit.who, one.workflow, one.id),
            _looked,
            icon=":material/refresh:",
        )
        if st.button(t("What would it process now?"), key=f"would-{key}", type="tertiary"):
            would_process(visit, one)


def _switch(visit: Visit, one: TriggerStatus, key: str) -> None:
    if one.is_on:
        action_button(
            t("Turn off"),
            f"off-{key}",
            lambda _key: visit.orchestra.triggers.turn_off(visit.who, one.workflow, one.id),
            lambda _none: _announce(t("{title} is off. It remembers how far it came.", title=t(one.title))),
            icon=":material/toggle_off:",
        )
    elif st.button(t("Turn on …"), key=f"on-{key}", type="primary", icon=":material/sensors:"):
        start_dialog(visit, one)


def _remarks(one: TriggerStatus) -> None:
    """Show what is wrong with a trigger, or may be, and what its last poll has said."""
    if one.problem is not None:
        st.error(message_markdown(one.problem.message, one.problem.remedy), icon=":material/error:")
    if one.error is not None:
        st.warning(message_markdown(one.error.message, one.error.remedy), icon=":material/warning:")
    if one.warning:
        st.warning(plain_with_code(translated(one.warning)), icon=":material/warning:")
    if one.note and one.error is None:
        st.caption(plain_with_code(translated(one.note)))


def _needs_turning_on(one: TriggerStatus) -> bool:
    """Tell whether it is on, but only a person who turns it on again makes it watched."""
    is_in_file = bool(one.start_from)
    return one.is_on and is_in_file and one.problem is not None and one.problem.type == NotWatched.__name__


def _looked(results: list[PollResult]) -> None:
    found, started = sum(one.found for one in results), sum(len(one.started) for one in results)
    for error in (one.error for one in results if one.error is not None):
        session.tell(t("The poll failed: {message}", message=translated(error.message)), ":material/error:")
    if found or not any(one.error for one in results):
        session.tell(
            t(
                "{new_items}, {runs} started.",
                new_items=tn("{count} new item", "{count} new items", found),
                runs=tn("{count} run", "{count} runs", started),
            )
            if found
            else t("Nothing new.")
        )
    st.rerun()


def _announce(text: str) -> None:
    session.tell(text)
    st.rerun()
