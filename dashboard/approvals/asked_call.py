"""The call that a question is about: the account, each field exactly as it will be sent, and what is from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base.language import number, t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_badge, outside_code, plain, plain_with_code
from dashboard.base.run_files import run_files
from dashboard.parts.values import json_text
from engine.base.json_text import JsonObject
from engine.budgets.limits import money
from engine.plugins.step import Preview
from engine.record.differences import is_reference, shown
from engine.record.plans.previews import difference
from engine.record.types.approval import AskedCall
from engine.record.types.run import Run
from engine.runs.call_texts import field_schemas, text_fields

if TYPE_CHECKING:
    from engine.runs.approvals import Approval

_MOST_LETTERS = 100_000


def asked_call(visit: Visit, question: Approval, call: AskedCall, run: Run | None, place: str) -> None:
    """Show a call and what it does to what; nothing in it is rendered. What is too long for the page can be saved.

    Each text is shown once: if the preview has all texts, the arguments are behind a button.
    """
    key = f"{place}-{question.id}"
    if call.again:
        st.warning(
            t("This was approved before, and asks again, because something has changed:"), icon=":material/sync:"
        )
        _code(call.again, f"again-{key}", "diff")
    if call.notes:
        st.info(plain(" ".join(call.notes)), icon=":material/content_cut:")
    account = call.account_name or call.account
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"`{call.uses}`", width="content")
        if account:
            outside_badge(account, ":material/account_circle:", color="green" if call.mode == "demo" else "orange")
        st.caption(t("Cost so far: {cost_text}", cost_text=cost_text(call.cost_usd)), width="content")
    if call.preview is not None and _says_all(call, call.preview):
        _origins(call)
        _effect(call.preview, f"effect-{key}")
        with st.expander(t("Arguments of the call"), icon=":material/data_object:", key=f"arguments-{key}"):
            _arguments(call, key)
    else:
        _arguments(call, key)
        if call.preview is not None:
            _effect(call.preview, f"effect-{key}")
    if run is not None:
        run_files(visit, run, call.arguments, key)
    if call.unreadable:
        st.warning(
            plain(t("What it is about could not be read: {unreadable}", unreadable=call.unreadable)),
            icon=":material/visibility_off:",
        )


def answered_edit(question: Approval, edited: JsonObject) -> None:
    """Show with which arguments a call was approved, and how they differ from the original ones."""
    key = f"edited-{question.id}"
    with st.expander(
        plain(t("Edited by {answered_by}", answered_by=question.answered_by)), icon=":material/edit:", key=key
    ):
        _code(question.difference, f"difference-{key}", "diff")
        st.caption(t("Approved with these arguments:"))
        for name, value in edited.items():
            _field(name, value, None, f"{name}-{key}")


def _says_all(call: AskedCall, preview: Preview) -> bool:
    """Return whether the preview has all content of the call; it always shows what the other arguments do."""
    if difference(preview.before, preview.text):
        return False
    schemas, texts = field_schemas(call), text_fields(call)
    content = {name: value for name, value in call.arguments.items() if schemas.get(name, {}).get("role") == "content"}
    if any(value and name not in texts for name, value in content.items()):
        return False  # e.g. attachments: it has only their names
    shown_text = "\n".join([preview.title, *preview.text.splitlines()])
    return all("\n".join(call.arguments[name].strip().splitlines()) in shown_text for name in texts)


def _origins(call: AskedCall) -> None:
    for name, origin in call.outside.items():
        _name(name, origin)


def _arguments(call: AskedCall, key: str) -> None:
    for name, value in call.arguments.items():
        _field(name, value, call.outside.get(name), f"{name}-{key}")


def _effect(preview: Preview, key: str) -> None:
    """Show what the call does: the difference on its object, or what is sent as it is."""
    changes = difference(preview.before, preview.text)
    st.markdown(t(":gray[What it does] **{title}**", title=plain(preview.title)))
    _code(changes or preview.text, key, "diff" if changes else None)


def _code(text: str, key: str, language: str | None = None) -> None:
    """Show a text; if it is too long for the page, offer the whole of it."""
    outside_code(text[:_MOST_LETTERS] or " ", language)
    if len(text) > _MOST_LETTERS:
        st.warning(
            t("This is not all of it: {count} more characters.", count=number(len(text) - _MOST_LETTERS)),
            icon=":material/content_cut:",
        )
        st.download_button(
            t("Download all {count} characters", count=number(len(text))),
            text,
            file_name="whole.txt",
            mime="text/plain",
            key=f"whole-{key}",
            icon=":material/download:",
            on_click="ignore",
        )


def cost_text(cost_usd: float | None) -> str:
    """Return an amount in words."""
    return t("not known") if cost_usd is None else money(cost_usd)


def _field(name: str, value: Any, origin: str | None, key: str) -> None:
    _name(name, origin)
    if isinstance(value, dict) and is_reference(value):
        st.text(shown(value))
    elif isinstance(value, str):
        _code(value, key)
    else:
        _code(json_text(value), key, "json")


def _name(name: str, origin: str | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":gray[{plain(name)}]", width="content")
        if origin is not None:
            outside_badge(t("text from outside"), ":material/public:", color="orange")
            st.caption(plain_with_code(origin), width="content")
