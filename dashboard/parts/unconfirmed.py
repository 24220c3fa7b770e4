"""The warning about mails whose sender the receiving server could not confirm."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard.base.language import t, tn
from dashboard.base.plain import plain
from engine.plugins.unconfirmed import unconfirmed_in


def unconfirmed_words(count: int = 1) -> str:
    """Return the warning about so many mails."""
    if count == 1:
        return t("The sender is not confirmed: the mail may be from somebody else.")
    return tn(
        "The sender of {count} mail is not confirmed: it may be from somebody else.",
        "The senders of {count} mails are not confirmed: they may be from somebody else.",
        count,
    )


def unconfirmed_mark(value: Any) -> None:
    """Show the warning above a value, if it is or holds such mails."""
    if count := unconfirmed_in(value):
        st.caption(f":orange[:material/gpp_maybe: {plain(unconfirmed_words(count))}]")
