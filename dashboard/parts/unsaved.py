"""Unsaved text that survives a reload of the page: it is stored as it changes, and offered afterwards."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.parts.tabs import open_tab
from dashboard.parts.times import ago
from engine.base.errors import InvalidInput, StaleEdit
from engine.documents.line_differences import unified
from engine.workspace.drafts import Draft, Kind

_MOST_LINES, _TALLEST = 24, 480

GoOn = Callable[[Draft], object]
"""Puts a stored text into the editor."""


def keep(visit: Visit, kind: Kind, name: str, text: str | None, etag: str) -> None:
    """Store an unsaved text, or forget it if None; only a change costs a write.

    If another window of the same person has stored a different text, this one overwrites it only after the person
    agrees; until then its text stays in the browser.
    """
    slot = f"kept.{kind}.{name}"
    if session.draft(slot, None) == text:
        if not _is_elsewhere(kind, name):
            fields.settle(prefix(kind, name))
        return
    drafts, known = visit.orchestra.drafts, session.draft(_revision(kind, name), "")
    if text is None:
        if known:
            drafts.drop(visit.who, kind, name, revision=known)
        session.drop_draft(_revision(kind, name))
        session.drop_draft(_elsewhere(kind, name))
        fields.forget(prefix(kind, name))
    else:
        try:
            draft = drafts.keep(visit.who, kind, name, text, etag, after=known)
        except InvalidInput:  # too large: saving it will report that
            return
        except StaleEdit:
            session.keep_draft(_elsewhere(kind, name), value=True)
            return
        session.keep_draft(_revision(kind, name), draft.revision)
        session.drop_draft(_elsewhere(kind, name))
        fields.settle(prefix(kind, name))
    session.keep_draft(slot, text)


def draft_notice(visit: Visit, name: str, version: str = "") -> None:
    """Say that a run of this workflow is made without the person's draft, and lead to where it can be saved.

    `version`: the environment and the version that runs, in words; "" for the saved file.
    """
    if not visit.orchestra.editing.is_unsaved(visit.who, name):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"draft-of-{name}"):
        words = (
            t(
                ":material/edit_note: **You have unsaved changes in a draft.** Run uses {version}.",
                version=plain(version),
            )
            if version
            else t(":material/edit_note: **You have unsaved changes in a draft.** Run uses the saved file.")
        )
        st.markdown(words, width="content")
        label = t("See and save it on the canvas")
        st.button(label, key=f"to-draft-{name}", icon=":material/arrow_forward:", on_click=open_tab, args=("canvas",))


def prefix(kind: Kind, name: str) -> str:
    """Return the prefix of the slots of an editor's fields."""
    return f"{kind}/{name}/"


def is_asking(visit: Visit, kind: Kind, name: str, saved: str, go_on: GoOn) -> bool:
    """Offer a text of an earlier session; until the person decides, there is nothing to edit.

    `saved` is the text of the file; `go_on` puts the offered one into the editor.
    """
    slot = f"answered.{kind}.{name}"
    if session.draft(slot, default=False):
        return False
    draft = visit.orchestra.drafts.get(visit.who, kind, name)
    if draft is None or draft.text == saved:
        session.keep_draft(slot, value=True)
        if draft is not None:
            visit.orchestra.drafts.drop(visit.who, kind, name, revision=draft.revision)
        return False
    _offer(visit, kind, name, saved, draft, go_on)
    return True


def _offer(visit: Visit, kind: Kind, name: str, saved: str, draft: Draft, go_on: GoOn) -> None:
    def answer(*, is_wanted: bool) -> None:
        session.keep_draft(f"answered.{kind}.{name}", value=True)
        if is_wanted:
            _take(kind, name, draft, go_on)
        else:
            visit.orchestra.drafts.drop(visit.who, kind, name, revision=draft.revision)
            fields.forget(prefix(kind, name))

    with st.container(border=True, key=f"unsaved-{kind}-{name}"):
        st.markdown(
            t(":material/edit_note: **You have unsaved text**, typed {kept_at}.", kept_at=plain(ago(draft.kept_at)))
        )
        _changes(difference(saved, draft.text, t("saved"), t("not saved")))
        with st.container(horizontal=True):
            wanted, other = {"is_wanted": True}, {"is_wanted": False}
            st.button(t("Continue"), key=f"go-on-{kind}-{name}", type="primary", on_click=answer, kwargs=wanted)
            st.button(t("Discard"), key=f"discard-{kind}-{name}", type="tertiary", on_click=answer, kwargs=other)


def adopt(visit: Visit, kind: Kind, name: str, shown: str, saved: str, go_on: GoOn) -> None:
    """Put a draft that was changed beside the editor into it, unless the text shown was typed since; see `elsewhere`.

    `saved` is the text of the file.
    """
    draft = visit.orchestra.drafts.get(visit.who, kind, name)
    kept = session.draft(f"kept.{kind}.{name}", None)
    if draft is None or shown != (saved if kept is None else kept):
        return
    session.keep_draft(f"answered.{kind}.{name}", value=True)
    fields.forget(prefix(kind, name))
    _take(kind, name, draft, go_on)


def elsewhere(visit: Visit, kind: Kind, name: str, text: str, etag: str, go_on: GoOn) -> None:
    """Report that another window of the same person has a different unsaved text, and let the person choose."""
    place = st.container()  # always there, so that an editor below it does not move while somebody types
    if not _is_elsewhere(kind, name):
        return
    other = visit.orchestra.drafts.get(visit.who, kind, name)
    if other is None:  # saved or discarded there: this one can be kept
        session.drop_draft(_elsewhere(kind, name))
        return

    def keep_mine() -> None:
        draft = visit.orchestra.drafts.keep(visit.who, kind, name, text, etag, after=other.revision)
        session.keep_draft(_revision(kind, name), draft.revision)
        session.keep_draft(f"kept.{kind}.{name}", text)
        session.drop_draft(_elsewhere(kind, name))

    def take_other() -> None:
        fields.forget(prefix(kind, name))
        _take(kind, name, other, go_on)

    with place.container(border=True, key=f"elsewhere-{kind}-{name}"):
        st.markdown(
            t(
                ":material/tab: **You are also editing this in another window**, last typed "
                "{kept_at}. Nothing is overwritten; choose which text to continue with.",
                kept_at=plain(ago(other.kept_at)),
            )
        )
        _changes(difference(other.text, text, t("other window"), t("this window")))
        with st.container(horizontal=True):
            st.button(t("Continue with this one"), key=f"keep-mine-{kind}-{name}", on_click=keep_mine)
            st.button(t("Use the other one"), key=f"take-other-{kind}-{name}", type="tertiary", on_click=take_other)


def _changes(lines: str) -> None:
    """Show a difference; a long one scrolls, so that the buttons below it stay near."""
    outside_code(lines, "diff", height=_TALLEST if lines.count("\n") > _MOST_LINES else "content")


def _take(kind: Kind, name: str, draft: Draft, go_on: GoOn) -> None:
    go_on(draft)
    session.keep_draft(f"kept.{kind}.{name}", draft.text)
    session.keep_draft(_revision(kind, name), draft.revision)
    session.drop_draft(_elsewhere(kind, name))


def _is_elsewhere(kind: Kind, name: str) -> bool:
    return session.draft(_elsewhere(kind, name), default=False)


def _elsewhere(kind: Kind, name: str) -> str:
    return f"elsewhere.{kind}.{name}"


def _revision(kind: Kind, name: str) -> str:
    return f"revision.{kind}.{name}"


def difference(before: str, after: str, before_name: str, after_name: str) -> str:
    """Return the lines in which two texts differ, with two lines of context."""
    lines = unified(before.splitlines(), after.splitlines(), before_name, after_name, 2)
    return "\n".join(lines) or t("Both texts are the same.")
