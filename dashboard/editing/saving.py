"""What a save bar shows if somebody else has saved the file meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.base.language import t
from dashboard.base.plain import outside_code
from dashboard.editing.draft import EditorDraft
from dashboard.parts.unsaved import difference


def conflict(
    sentence: str,
    draft: EditorDraft,
    saved: str,
    typed: str,
    overwrite: Callable[[], object],
    theirs: Callable[[], object],
) -> None:
    """Report that somebody has saved meanwhile, show the difference, and let the person choose.

    `overwrite` shows the button that saves all the same, `theirs` puts the saved text into the editor.
    """
    st.error(sentence, icon=":material/sync_problem:")
    outside_code(difference(saved, typed, t("saved meanwhile"), t("yours")), "diff")
    with st.container(horizontal=True):
        overwrite()
        if st.button(t("Use theirs"), key=f"theirs-{draft.name}"):
            theirs()
            st.rerun()
