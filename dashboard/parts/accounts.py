"""Whose account is used, the demo's or your own: badges that show it, and the choice of what is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass
from typing import Protocol

import streamlit as st

from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_badge
from engine.base.services import is_model, is_stand_in, service_of
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Plan
from engine.record.types.run import Run

_UNKNOWN_ICON = "extension"


class Connected(Protocol):
    """What a badge needs: a ConnectionBadge or ConnectionStatus of the engine."""

    @property
    def service(self) -> str:
        """The service."""

    @property
    def mode(self) -> str:
        """`demo` or `mine`."""

    @property
    def account(self) -> str:
        """The account, empty until the service has been asked."""


@dataclass(frozen=True)
class UsedAccount:
    """An account that a run uses, as a badge needs it."""

    service: str
    mode: str
    account: str


def is_demo_chosen(visit: Visit, label: str, key: str, by_mode: Mapping[bool, Sized]) -> bool:
    """Let the person choose between what runs on their own accounts have made, and what runs on the demo have.

    The demo comes first if it alone has something, or if there is nothing yet and every connection is on the demo.
    """
    demo_first = not by_mode[False] and (bool(by_mode[True]) or is_all_demo(visit))
    modes = {AccountMode.MINE: t("Your accounts"), AccountMode.DEMO: t("Demo")}
    first = AccountMode.DEMO if demo_first else AccountMode.MINE
    words = modes.__getitem__
    chosen = st.segmented_control(label, list(modes), default=first, format_func=words, key=key, required=True)
    return chosen == AccountMode.DEMO


def is_all_demo(visit: Visit) -> bool:
    """Return whether every connection is on the demo."""
    return {one.mode for one in visit.orchestra.connections.list(visit.who)} == {AccountMode.DEMO}


def accounts_of(run: Run) -> list[UsedAccount]:
    """Return the accounts that a run uses, one for each of its connections."""
    return [
        UsedAccount(
            str(one.get("service", name)), str(one.get("mode", AccountMode.MINE)), str(one.get("account") or "")
        )
        for name, one in run["accounts"].items()
    ]


def accounts_of_plan(visit: Visit, plan: Plan) -> list[UsedAccount]:
    """Return the accounts that runs of a plan use, one for each of its connections that is known."""
    known = {one.name: one for one in visit.orchestra.connections.list(visit.who)}
    used = [known[name] for name in plan.connections if name in known]
    return [UsedAccount(one.service, plan.mode(one.name, one.mode), one.account) for one in used]


def uses_demo_only(visit: Visit, plan: Plan) -> bool:
    """Return whether every connection that runs of a plan use is on the demo."""
    return all(one.mode == AccountMode.DEMO for one in accounts_of_plan(visit, plan))


def service_title(service: str) -> str:
    """Return the display name of a service."""
    declared = service_of(service)
    return t(declared.title) if declared else service.capitalize()


def service_icon(service: str) -> str:
    """Return the icon of a service."""
    declared = service_of(service)
    return f":material/{declared.icon if declared else _UNKNOWN_ICON}:"


def account_words(connected: Connected) -> str:
    """Return "Demo", "Mine" or "Mine: who"; of the demo's model, which understands nothing, "Scripted"."""
    if is_stand_in(connected.service, connected.mode):
        return t("Scripted") if is_model(connected.service) else t("Demo")
    return t("Mine: {account}", account=connected.account) if connected.account else t("Mine")


def account_badge(connected: Connected) -> None:
    """Show one service with its account."""
    words = f"{service_title(connected.service)} · {account_words(connected)}"
    outside_badge(
        words, service_icon(connected.service), color="gray" if connected.mode == AccountMode.DEMO else "violet"
    )


def account_badges(connections: Iterable[Connected]) -> None:
    """Show several, in an existing row: each wraps by itself on a narrow screen."""
    for one in connections:
        account_badge(one)


def scripted_badge() -> None:
    """Say that the answers are those of the demo's model."""
    st.badge(t("Scripted, not a real model"), icon=":material/science:", color="gray")


def own_model(visit: Visit) -> str:
    """Return the name of a connection to a model of the person's own that can be asked; empty if there is none."""
    known = visit.orchestra.connections.list(visit.who)
    ready = (one.name for one in known if is_model(one.service) and one.mode == AccountMode.MINE and one.ready)
    return next(ready, "")


def service_badges(services: Iterable[str]) -> None:
    """Show services without their accounts."""
    with st.container(horizontal=True, gap="xsmall", width="content"):
        for one in services:
            outside_badge(service_title(one), service_icon(one))
