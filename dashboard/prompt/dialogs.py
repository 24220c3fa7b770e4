"""The dialogs that create a prompt: a new one, or one from a text; and the button that saves one as a text."""

from __future__ import annotations

import streamlit as st

from dashboard.base import fields
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.file_dialogs import NAME_HELP, PROMPT, free_name, name_field, names, open_file
from engine.base.errors import OrchestraError
from engine.documents.json_file import decoded
from engine.prompts.prompt_files import PromptFile


@dialog(N_("New prompt"), icon=":material/add:")
def new_prompt(visit: Visit) -> None:
    """Ask for a name, and create a prompt."""
    name = name_field(t("Name"), free_name("my-prompt", names(visit, PROMPT)), "new-prompt-name")
    st.caption(t("It starts with two messages and one variable. Workflows can use it once a version is saved."))

    def make(_request_key: str) -> str:
        return visit.orchestra.prompts.create(visit.who, name.strip()).name

    action_button(
        t("Create"),
        "new-prompt-make",
        make,
        lambda made: open_file(visit, PROMPT, made, "made"),
        scope=name,
        type="primary",
    )


@dialog(N_("Import a prompt"), icon=":material/upload:", width="large")
def import_prompt(visit: Visit) -> None:
    """Ask for a text and a name, and create a prompt."""
    st.markdown(t("A text that *Download as text* made on the page of a prompt, or one like it."))
    uploaded = st.file_uploader(t("File"), type=["md", "txt"], key="import-prompt-file")
    pasted = fields.text_area(t("… or the text itself"), key="import-prompt-text", height=200)
    name = st.text_input(
        t("Name"),
        key="import-prompt-name",
        help=t("{name_help} Default: the name in the text.", name_help=t(NAME_HELP)),
        max_chars=64,
    )
    file = uploaded.name if uploaded is not None else "text"
    content = uploaded.getvalue() if uploaded is not None else pasted.encode()

    def make(_request_key: str) -> str:
        made = visit.orchestra.prompts.imported(visit.who, decoded(content, file), name.strip(), file).name
        fields.forget("import-prompt-text")
        return made

    action_button(
        t("Import"),
        "import-prompt-make",
        make,
        lambda made: open_file(visit, PROMPT, made, "made"),
        scope=f"{name} {hash(content)}",
        type="primary",
    )


def download_text(visit: Visit, file: PromptFile) -> None:
    """Show the button that saves the draft as one file, if it has the form of a prompt."""
    try:
        text = visit.orchestra.prompts.exported(visit.who, file.name)
    except OrchestraError:  # the page shows what is wrong with it
        return
    st.download_button(
        t("Download as text"),
        text.encode(),
        file_name=f"{file.name}.md",
        mime="text/markdown",
        key=f"download-{file.name}",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
        help=t("The saved draft in one file: settings, then messages. *Import* on the page Prompts reads it."),
    )
