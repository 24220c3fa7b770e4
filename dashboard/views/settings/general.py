"""General settings: time zone, how long runs are kept, and who is notified."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t
from dashboard.base.page import Page, Visit
from dashboard.parts.buttons import submit_button
from dashboard.parts.header import page_header
from engine.base.json_text import compact

PAGE = Page(
    title=N_("General"),
    icon=":material/tune:",
    path="settings",
    order=64,
    section=N_("Settings"),
)
_DEFAULT_ZONE = "UTC"


def show(visit: Visit) -> None:
    """Show the settings of config.yaml to whoever may change them."""
    page_header(visit, t("General"), t("Time zone, how long runs are kept, and who is notified."))
    if not visit.may("admin"):
        st.info(t("Only people with the role owner see and change these settings."), icon=":material/lock:")
        return
    known = visit.orchestra.general.get(visit.who)
    version = hashlib.sha256(compact(known).encode()).hexdigest()[:8]  # other fields once something else is set
    with st.form(f"settings-{version}", border=False):
        st.caption(t("This is written into config.yaml, where comments stay. Changes are in force at once."))
        wanted = {
            "time_zone": _zone(known.get("time_zone", _DEFAULT_ZONE), version),
            "retention": _retention(known.get("retention", {}), version),
            "notifications": _alarms(
                known.get("notifications", {}), visit.orchestra.workspace.workflows.names(), version
            ),
            "approvals": _questions(known.get("approvals", {}), version),
        }
        submit_button(
            t("Save settings"),
            "save-settings",
            lambda _: visit.orchestra.general.set(visit.who, wanted),
            lambda _: _saved(),
            scope=compact(wanted),
        )
    st.caption(t("Your own language and password are in the menu with your name. The theme follows your browser."))


def _saved() -> None:
    session.tell(t("The settings are saved."))
    st.rerun()


def _zone(known: str, version: str) -> str:
    zones = sorted({known, *available_timezones()})
    said = t("In which commands show and read times; pages use that of the browser.")
    return str(st.selectbox(t("Time zone"), zones, zones.index(known), help=said, key=f"settings-{version}-zone"))


def _retention(known: Mapping[str, Any], version: str) -> dict[str, int]:
    st.markdown(t("**How long runs are kept**"))
    st.caption(t("Empty: forever. What was written is remembered in any case, so that nothing is written twice."))
    fields = {
        "days": t("Days after they ended"),
        "demo_days": t("Days, for runs of the demo"),
        "runs": t("At most so many runs"),
    }
    found = {}
    for (name, label), column in zip(fields.items(), st.columns(3), strict=True):
        value = column.number_input(label, 1, None, known.get(name), step=1, key=f"settings-{version}-{name}")
        if value is not None:
            found[name] = int(value)
    return found


def _alarms(known: Mapping[str, Any], workflows: Sequence[str], version: str) -> dict[str, str]:
    st.markdown(t("**Who is notified**"))
    offered = ["", *sorted({*workflows, *filter(None, [known.get("workflow")])})]
    chosen = st.selectbox(
        t("When a trigger needs a person, start"),
        offered,
        offered.index(known.get("workflow", "")),
        format_func=lambda one: one or t("nothing: alarms are on Home"),
        key=f"settings-{version}-alarms",
    )
    return {"workflow": chosen} if chosen else {}


def _questions(known: Mapping[str, Any], version: str) -> dict[str, str]:
    said = t("The name of a workflow, or the https:// address of a webhook. If it is a secret: `env:NAME`.")
    asked = st.text_input(
        t("For each question, start or call"), known.get("notify", ""), help=said, key=f"settings-{version}-questions"
    )
    return {"notify": asked.strip()} if asked.strip() else {}
