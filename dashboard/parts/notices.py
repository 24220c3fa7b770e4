"""Notices of what needs attention: held writes, accounts that do not work, silent triggers, used-up budgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown
from dashboard.parts.popover import close, popover
from engine.triggering.polling.status import Alarm, DeadItem, TriggerStatus

if TYPE_CHECKING:
    from engine.connections.statuses import ConnectionStatus
    from engine.runs.budgets import BudgetRow

_OF_DEAD = N_("Retry or dismiss each of them on the page Triggers, under Needs a look.")
"""On a page, no notice names a command for it."""
_NAMED = 3
_PERIODS = {"day": N_("Today's budget"), "month": N_("This month's budget")}
_OF_HELD = N_(
    "Check your services: what these runs wrote is there. Restore their logs from a "
    "backup, or resume writing; until then, runs that need to write wait, and "
    "nothing is lost."
)


def held_notice(visit: Visit) -> None:
    """Show that writes are held, and let those who may run workflows release them."""
    held = visit.orchestra.proof.held(visit.who)
    if held is None:
        return
    st.error(message_markdown(held.message, t(_OF_HELD)), icon=":material/front_hand:")
    if not visit.may("run"):
        return
    with popover(t("Resume writing"), "held", ":material/front_hand:"):
        st.markdown(plain(t("What these runs wrote before is written again whenever a run asks for it.")))
        st.caption(plain(", ".join([*held.missing, *held.unreadable])))
        action_button(
            t("Continue"), "accept-held", lambda _: visit.orchestra.proof.accept(visit.who), _resumed, type="primary"
        )


def _resumed(_accepted: object) -> None:
    close("held")
    st.rerun()


def account_notices(connections: Iterable[ConnectionStatus], *, may_change: bool) -> bool:
    """Show the notices of accounts, and return whether there were any."""
    shown = [account_notice(one, may_change=may_change) for one in connections]  # each of them, not only the first
    return any(shown)


def trigger_notices(alarms: Iterable[Alarm], dead: Sequence[DeadItem], *, may_change: bool) -> bool:
    """Show what is wrong with triggers, and return whether there was anything; what to do, to those who may.

    `dead` are items that need somebody; the newest are named.
    """
    shown = list(alarms)
    for one in shown:
        if one.kind == "dead":
            message = message_markdown(one.message, t(_OF_DEAD) if may_change else "")
            message += "".join(map(_named, _of(one, dead)[:_NAMED]))
        else:
            message = message_markdown(one.message, one.remedy)
        st.error(message, icon=":material/notifications_active:")
    return bool(shown)


def trying_notices(trying: Sequence[TriggerStatus]) -> bool:
    """Show which triggers retry by themselves after a failure, and return whether there are any."""
    for one in trying:
        error = message_markdown(one.error.message, one.error.remedy) if one.error is not None else ""
        whose = plain(f"{one.workflow_title or one.workflow}: {one.title}")
        st.warning(t("**{whose}** is trying again. {error}", whose=whose, error=error), icon=":material/sync_problem:")
    return bool(trying)


def budget_notices(alarms: Iterable[BudgetRow]) -> bool:
    """Show a line for each of these budgets, and return whether there were any."""
    shown = list(alarms)
    for one in shown:
        words = budget_words(one)
        if one.state == "used_up":
            st.error(
                plain(t("{words} is used up: {sentence}.", words=words, sentence=one.sentence)),
                icon=":material/savings:",
            )
        else:
            st.warning(
                plain(t("{words} is nearly used up: {sentence}.", words=words, sentence=one.sentence)),
                icon=":material/savings:",
            )
    return bool(shown)


def budget_words(one: BudgetRow) -> str:
    """Return which budget it is: `Today's budget of all workflows`."""
    whose = t("workflow {workflow}", workflow=one.workflow) if one.workflow else t("all workflows")
    return t("{budget} of {whose}", budget=t(_PERIODS.get(one.period, N_("The budget"))), whose=whose)


def _of(alarm: Alarm, dead: Sequence[DeadItem]) -> list[DeadItem]:
    return [one for one in dead if (one.workflow, one.trigger) == (alarm.workflow, alarm.trigger)]


def _named(one: DeadItem) -> str:
    """Return a line with the item and why it failed."""
    return f"\n- {plain(one.title or one.item)}: {plain(translated(one.error.message))}"


def account_notice(one: ConnectionStatus, *, may_change: bool) -> bool:
    """Show what is wrong with an account, and return whether anything is.

    `may_change`: whether the person may sign in again; others read who may.
    """
    if one.trouble is not None:
        st.error(message_markdown(one.trouble.sentence, one.trouble.remedy), icon=":material/lock:")
        return True
    sign_in = one.sign_in
    if sign_in is not None and one.needs_sign_in:
        whose = f" ({sign_in.account})" if sign_in.account else ""
        advice = (
            t("Press Sign in again on the page Connections before that.")
            if may_change
            else t("An owner has to sign in again before that.")
        )
        st.warning(
            message_markdown(
                t("The connection {name}{whose}: {note}", name=one.name, whose=whose, note=translated(sign_in.note)),
                advice,
            ),
            icon=":material/timer:",
        )
        return True
    return False
