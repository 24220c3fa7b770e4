"""The popover that saves values and an answer as a case of a prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.popover import close, popover


def save_case(visit: Visit, prompt: str, place: str, title: str, make: Callable[[str], dict[str, Any]]) -> None:
    """Show the popover to those who may edit; `make(title)` returns the case."""
    if not visit.may("edit"):
        return
    with popover(t("Save as case"), f"case-{place}", ":material/fact_check:"):
        st.markdown(t("The tab Cases tests the prompt with it. The fixed choices in this answer are expected again."))
        wanted = t("Made from what it is about") if not title else ""
        name = fields.text_input(t("Name of the case"), title, key=f"case-name-{place}", placeholder=wanted).strip()

        def saved(case: str) -> None:
            close(f"case-{place}")
            session.tell(t("Saved as the case {case}. Edit it on the tab Cases of the prompt.", case=case))
            st.rerun()

        action_button(
            t("Save the case"),
            f"case-save-{place}",
            lambda _key: visit.orchestra.cases.add(visit.who, prompt, make(name)).case,
            saved,
            scope=name,
            type="primary",
        )
