"""Text that was typed and not saved outlives a reload of the page: it is kept as it changes, and offered afterwards."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from contextlib import suppress

import streamlit as st

from dashboard import session
from dashboard.page import Visit
from dashboard.parts.plain import outside_code, plain
from dashboard.parts.times import ago
from engine.errors import InvalidInput
from engine.workspace.drafts import Draft, Kind


def keep(visit: Visit, kind: Kind, name: str, text: str | None, etag: str) -> None:
    """Keep a text that is not saved, or with None forget it; only a change costs a write."""
    slot = f"kept.{kind}.{name}"
    if session.draft(slot, None) == text:
        return
    if text is None:
        visit.orchestra.drafts.drop(visit.who, kind, name)
    else:
        with suppress(InvalidInput):  # too large: saving it will say so
            visit.orchestra.drafts.keep(visit.who, kind, name, text, etag)
    session.keep_draft(slot, text)


def is_asking(visit: Visit, kind: Kind, name: str, saved: str, go_on: Callable[[Draft], object]) -> bool:
    """Offer a text of an earlier session; while the question stands there is nothing to edit.

    `saved` is the text of the file, `go_on` takes the offered one into the editor.
    """
    slot = f"answered.{kind}.{name}"
    if session.draft(slot, default=False):
        return False
    draft = visit.orchestra.drafts.get(visit.who, kind, name)
    if draft is None or draft.text == saved:
        session.keep_draft(slot, value=True)
        if draft is not None:
            visit.orchestra.drafts.drop(visit.who, kind, name)
        return False
    _offer(visit, kind, name, saved, draft, go_on)
    return True


def _offer(visit: Visit, kind: Kind, name: str, saved: str, draft: Draft, go_on: Callable[[Draft], object]) -> None:
    def answer(*, is_wanted: bool) -> None:
        session.keep_draft(f"answered.{kind}.{name}", value=True)
        if is_wanted:
            go_on(draft)
            session.keep_draft(f"kept.{kind}.{name}", draft.text)
        else:
            visit.orchestra.drafts.drop(visit.who, kind, name)

    with st.container(border=True, key=f"unsaved-{kind}-{name}"):
        st.markdown(f":material/edit_note: **There is a text you did not save**, typed {plain(ago(draft.kept_at))}.")
        outside_code(difference(saved, draft.text, "saved", "not saved"), "diff")
        with st.container(horizontal=True):
            wanted, other = {"is_wanted": True}, {"is_wanted": False}
            st.button("Go on with it", key=f"go-on-{kind}-{name}", type="primary", on_click=answer, kwargs=wanted)
            st.button("Discard", key=f"discard-{kind}-{name}", type="tertiary", on_click=answer, kwargs=other)


def difference(before: str, after: str, before_name: str, after_name: str) -> str:
    """Return the lines in which two texts differ, with two lines around each."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), before_name, after_name, lineterm="", n=2)
    return "\n".join(lines) or "Both say the same."
