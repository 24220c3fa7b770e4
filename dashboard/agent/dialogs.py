"""The dialog that creates an agent: a blank one, or one from a sample."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.file_dialogs import AGENT, free_name, name_field, names, open_file

_BLANK = ""


@dialog(N_("New agent"), icon=":material/add:")
def new_agent(visit: Visit) -> None:
    """Ask for a name and a sample, and create an agent."""
    samples = visit.orchestra.agents.samples(visit.who)
    sample = st.radio(
        t("Begin with"),
        [*samples, _BLANK],
        format_func=lambda one: plain(samples[one]) if one else t("A blank one"),
        key="new-agent-sample",
    )
    name = name_field(t("Name"), free_name(sample or "my-agent", names(visit, AGENT)), f"new-agent-name-{sample}")
    action_button(
        t("Create"),
        "new-agent-make",
        lambda _key: visit.orchestra.agents.create(visit.who, name.strip(), sample=sample or "").name,
        lambda made: open_file(visit, AGENT, made, N_("{name} has been created.")),
        scope=f"{name} {sample}",
        type="primary",
    )
