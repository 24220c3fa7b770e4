"""The three questions about a new workflow: when, what, and what then."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from msgspec import Struct

from dashboard.base.language import t
from dashboard.creating.begun import BegunForm
from dashboard.creating.then import ask_then
from dashboard.creating.what import ask_what, source_now
from dashboard.creating.when import ask_when, own_zone
from engine.copilot.wizard.records import Choices, WhenToStart


class FormAnswers(Struct, frozen=True):
    """What a person has answered so far."""

    choices: Choices
    missing: Sequence[str]
    """What still has to be filled in."""


def ask(form: BegunForm) -> FormAnswers:
    """Show the questions; return the answers."""
    missing: list[str] = []
    with st.container(border=True):
        st.markdown(f"**{t('1. When?')}**")
        start, cron = ask_when(form, source_now(form))
    with st.container(border=True):
        st.markdown(f"**{t('2. What does it look at?')}**")
        what = ask_what(form, start, missing)
    with st.container(border=True):
        st.markdown(f"**{t('3. What happens then?')}**")
        targets, amount = ask_then(form, what, start, missing)
    choices = Choices(
        source=what.source.name,
        places=what.places,
        start=start,
        cron=cron,
        time_zone=own_zone(form.visit) if start is WhenToStart.SCHEDULE else "",
        only=what.only,
        kinds={one: one for one in what.kinds},
        values=what.values,
        is_file_read=what.is_file_read,
        is_summarized=what.is_summarized,
        amount=amount,
        targets=targets,
    )
    return FormAnswers(choices, missing)
