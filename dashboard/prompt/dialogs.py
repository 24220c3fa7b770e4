"""The dialog that creates a prompt, and the labels of its versions."""

from __future__ import annotations

import streamlit as st

from dashboard.base.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.file_dialogs import PROMPT, free_name, name_field, names, open_file


@st.dialog("New prompt", icon=":material/add:")
def new_prompt(visit: Visit) -> None:
    """Ask for a name, and create a prompt."""
    name = name_field("Name", free_name("my-prompt", names(visit, PROMPT)), "new-prompt-name")
    st.caption("It starts with two messages and one variable. Workflows can use it once a version is saved.")

    def make(_request_key: str) -> str:
        return visit.orchestra.prompts.create(visit.who, name.strip()).name

    action_button(
        "Create",
        "new-prompt-make",
        make,
        lambda made: open_file(visit, PROMPT, made, "made"),
        scope=name,
        type="primary",
    )
