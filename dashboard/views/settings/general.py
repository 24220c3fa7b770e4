"""General settings: time zone, how long runs are kept, and who is notified."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from zoneinfo import available_timezones

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import N_, t
from dashboard.base.messages import translated
from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.parts.buttons import action_button
from dashboard.parts.header import page_header
from engine.base.json_text import compact
from engine.base.names import NAME
from engine.operations.plugins import PluginState, plugins

PAGE = Page(
    title=N_("General"),
    icon=":material/tune:",
    path="settings",
    order=64,
    section=N_("Settings"),
    words=N_("plugins packages time zone notifications retention"),
)
_DEFAULT_ZONE = "UTC"
_SAVES = "settings.saves"


def show(visit: Visit) -> None:
    """Show the settings of config.yaml to whoever may change them."""
    page_header(visit, t("General"), t("Time zone, how long runs are kept, and who is notified."))
    if not visit.may("admin"):
        st.info(t("Only people with the role owner see and change these settings."), icon=":material/lock:")
        return
    known = visit.orchestra.general.get(visit.who)
    version = hashlib.sha256(compact(known).encode()).hexdigest()[:8]  # new fields once a setting has changed
    key = f"settings-{version}-{session.draft(_SAVES, 0)}"  # and after each save, or they keep what was typed
    st.caption(t("This is written into config.yaml, where comments stay. Changes are in force at once."))
    workflows = visit.orchestra.workspace.workflows.names()
    wanted = {
        "time_zone": _zone(known.get("time_zone", _DEFAULT_ZONE), key),
        "retention": _retention(known.get("retention", {}), key),
        "notifications": _alarms(known.get("notifications", {}), workflows, key),
        "approvals": _questions(known.get("approvals", {}), key),
    }
    action_button(
        t("Save settings"),
        "save-settings",
        lambda _: visit.orchestra.general.set(visit.who, wanted),
        lambda _: _saved(),
        scope=compact(wanted),
        type="primary",
    )
    st.caption(t("Your own language and password are in the menu with your name. The theme follows your browser."))
    _plugins(visit)


def _plugins(visit: Visit) -> None:
    """List the installed packages, with what each adds."""
    st.subheader(t("Plugins"))
    st.caption(t("Packages that add something to this program. `plugins.disabled` in config.yaml switches one off."))
    found = plugins(visit.who)
    if not found:
        st.markdown(t("None is installed."))
    for one in found:
        with st.container(border=True, key=f"plugin-{one.name}", gap="small"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{plain(one.name)}** {plain(one.version)}", width="content")
                label, icon, color = _PLUGIN_STATES[one.state]
                st.badge(t(label), icon=icon, color=color)
            if one.reason:
                st.text(translated(one.reason))
            for part in one.adds:
                st.markdown(f"{t(_PLUGIN_KINDS[part.kind])} **{plain(part.name)}**")
                if part.what:
                    st.caption(plain_with_code(part.what))


_PLUGIN_STATES: Mapping[PluginState, tuple[str, str, Literal["green", "gray", "red"]]] = {
    "in force": (N_("In force"), ":material/check:", "green"),
    "switched off": (N_("Switched off"), ":material/block:", "gray"),
    "left out": (N_("Left out"), ":material/error:", "red"),
}
_PLUGIN_KINDS: Mapping[str, str] = {
    "service": N_("Service"),
    "step": N_("Step"),
    "trigger": N_("Trigger"),
    "function": N_("Function"),
    "page": N_("Page"),
}


def _saved() -> None:
    session.keep_draft(_SAVES, session.draft(_SAVES, 0) + 1)
    fields.forget("settings-")
    session.tell(t("The settings are saved."))
    st.rerun()


def _zone(known: str, key: str) -> str:
    zones = sorted({known, *available_timezones()})
    said = t("Used by commands; pages use the browser's time zone.")
    at = zones.index(known)
    return str(st.selectbox(t("Time zone"), zones, at, help=said, key=f"{key}-zone", persist_state="session"))


def _retention(known: Mapping[str, Any], key: str) -> dict[str, int]:
    st.markdown(t("**How long runs are kept**"))
    st.caption(t("Empty: forever. What was written is remembered in any case, so that nothing is written twice."))
    labels = {
        "days": t("Days after they ended"),
        "demo_days": t("Days, for runs of the demo"),
        "runs": t("At most so many runs"),
    }
    found = {}
    for (name, label), column in zip(labels.items(), st.columns(3), strict=True):
        value = column.number_input(
            label, 1, None, known.get(name), step=1, key=f"{key}-{name}", persist_state="session"
        )
        if value is not None:
            found[name] = int(value)
    return found


def _alarms(known: Mapping[str, Any], workflows: Sequence[str], key: str) -> dict[str, Any]:
    st.markdown(t("**Who is notified**"))
    target = known.get("webhook") or known.get("workflow")
    by, of_runs = st.columns(2)
    with by:
        told = st.selectbox(
            t("When something needs a person, start or call"),
            sorted({*workflows, *filter(None, [target])}),
            sorted({*workflows, target}).index(target) if target else None,
            placeholder=t("Nobody: what needs a person is on Home"),
            help=t("A workflow, or type the https:// address of a webhook. If it is a secret: `env:NAME`."),
            accept_new_options=True,
            key=f"{key}-alarms",
            persist_state="session",
        )
    with of_runs:
        when = _choice_of_time(known.get("failed_runs"), key)
    sign_ins = st.checkbox(
        t("Sign-ins: with a new browser, API tokens from a new network, and many that are refused"),
        bool(known.get("sign_ins")),
        key=f"{key}-sign-ins",
        persist_state="session",
    )
    bounces = st.checkbox(
        t("Mail of runs that could not be delivered"),
        bool(known.get("bounces")),
        key=f"{key}-bounces",
        persist_state="session",
    )
    channel = "webhook" if told and not NAME.match(told) else "workflow"
    rest = {name: known[name] for name in ("refused_sign_ins",) if name in known}
    chosen = {channel: told, "failed_runs": when, "sign_ins": sign_ins, "bounces": bounces}
    return {**{name: value for name, value in chosen.items() if value}, **rest}


def _choice_of_time(known: str | None, key: str) -> str | None:
    words = {
        "at_once": t("at once"),
        "6h": t("every 6 hours"),
        "24h": t("every 24 hours"),
        "08:00": t("every day at 08:00"),
    }
    options = list(dict.fromkeys((*words, *filter(None, [known]))))
    found: str | None = st.selectbox(
        t("Failed runs"),
        options,
        options.index(known) if known else None,
        format_func=lambda one: words.get(one, one),
        placeholder=t("no notice"),
        help=t("Triggers that need a person are always reported. Type other times such as `2h` or `18:30`."),
        accept_new_options=True,
        key=f"{key}-failed-runs",
        persist_state="session",
    )
    return found


def _questions(known: Mapping[str, Any], key: str) -> dict[str, str]:
    said = t("The name of a workflow, or the https:// address of a webhook. If it is a secret: `env:NAME`.")
    asked = fields.text_input(
        t("For each question, start or call"),
        known.get("notify", ""),
        key=f"{key}-questions",
        slot="settings-questions",
        help=said,
        persist_state="session",
    )
    return {"notify": asked.strip()} if asked.strip() else {}
