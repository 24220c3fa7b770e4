"""A comparison: in which fields or words the answers differ, and each answer with what it cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base.language import t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_changes, plain
from dashboard.parts.times import full_time
from dashboard.parts.values import cut
from dashboard.prompt.answer import shown_try, shown_waiting, try_actions
from dashboard.prompt.asked import earlier, until_ended
from engine.base.statuses import RunStatus
from engine.record.differences import shown
from engine.runs.prompt_tries.differing import AnswerDifferences, AnswerField, TextPart, field_changes
from engine.runs.prompt_tries.records import Try

if TYPE_CHECKING:
    from engine.runs.prompt_tries.comparing import Comparison

PARAM = "comparison"
"""The parameter of the address that names the comparison shown."""
_SHORT = 60
_MOST_LETTERS = 12_000


def shown_comparison(visit: Visit, name: str) -> Comparison | None:
    """Return the comparison that the address names, else the last one."""
    found = visit.orchestra.comparisons.list(visit.who, name)
    named = next((one for one in found if one["id"] == st.query_params.get(PARAM)), None)
    return named or (found[0] if found else None)


def comparison(visit: Visit, name: str, one: Comparison | None) -> None:
    """Show a comparison, and the choice of an earlier one."""
    if one is None:
        return
    if one["status"] == RunStatus.RUNNING:
        get = partial(visit.orchestra.comparisons.get, visit.who, name, one["id"])
        until_ended(get, lambda now: _columns(now, partial(_answer_so_far, visit, now)))
    else:
        _differences(one["differences"])
        _columns(one, partial(_answer_and_actions, visit, one))
    lines = {each["id"]: _line(each) for each in visit.orchestra.comparisons.list(visit.who, name)}
    if len(lines) > 1:
        earlier(t("Earlier comparisons"), PARAM, f"comparisons-{name}", lines, one["id"])


def _columns(one: Comparison, show: Callable[[int, Try], None]) -> None:
    """Show the tries side by side; on a narrow screen, one below the other."""
    for at, (place, each) in enumerate(zip(st.columns(len(one["tries"])), one["tries"], strict=True)):
        with place, st.container(border=True, key=f"compared-{each['id']}"):
            said = translated(each["column"]["title"]) if each["column"] is not None else ""
            st.markdown(f"**{at + 1}\\. {plain(said[:1].upper() + said[1:])}**")
            show(at, each)


def _answer_so_far(visit: Visit, whole: Comparison, at: int, one: Try) -> None:
    if one["status"] == RunStatus.RUNNING:
        shown_waiting(visit, one)
    else:
        _answer(whole, at, one)


def _answer_and_actions(visit: Visit, whole: Comparison, at: int, one: Try) -> None:
    _answer(whole, at, one)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        try_actions(visit, one)


def _answer(whole: Comparison, at: int, one: Try) -> None:
    texts = whole["differences"]["texts"]
    parts = texts[at] if texts else []
    has_changes = bool(parts) and sum(len(part["text"]) for part in parts) <= _MOST_LETTERS
    shown_try(one, partial(_changes, parts) if has_changes else None)


def _changes(parts: Sequence[TextPart], _text: str) -> None:
    outside_changes([(part["text"], part["change"]) for part in parts])


def _differences(found: AnswerDifferences) -> None:
    if found["is_same"] is None:
        return
    if found["is_same"]:
        st.badge(t("All answers are the same"), icon=":material/check:", color="green")
        return
    with st.container(border=True, gap="xsmall", key="differences"):
        st.markdown(t("**Differences**"))
        if found["texts"] or any(map(any, map(field_changes, found["fields"]))):
            st.caption(
                t("Texts are compared with the first: what is new is underlined, what is missing is struck out.")
            )
        elif not found["fields"]:
            st.caption(t("Some answers are JSON and others are not."))
        for field in found["fields"]:
            if not field["is_same"]:
                _field(field)
        same = [one for one in found["fields"] if one["is_same"]]
        if same:
            with st.expander(tn("{count} field is the same", "{count} fields are the same", len(same))):
                for field in same:
                    at = next(at for at in range(len(field["values"])) if at + 1 not in field["missing"])
                    st.markdown(f":gray[{_name(field)}]  {plain(_word(field['values'][at]))}")


def _field(field: AnswerField) -> None:
    """Show the values of one field: in a line if they are short, else in columns; texts with their changes."""
    missing = field["missing"]
    words = [t("nothing") if at + 1 in missing else _word(one) for at, one in enumerate(field["values"])]
    if max(map(len, words)) <= _SHORT:
        safe = "  **|**  ".join(plain(word) or t(":gray[(empty)]") for word in words)
        st.markdown(f":gray[{_name(field)}]  {safe}")
        return
    st.markdown(f":gray[{_name(field)}]")
    changes = field_changes(field)
    for at, (place, word) in enumerate(zip(st.columns(len(words)), words, strict=True)):
        with place:
            st.caption(t("Column {count}", count=at + 1))
            _changes(changes[at], word)


def _name(field: AnswerField) -> str:
    return plain(field["field"] or "answer")


def _word(value: Any) -> str:
    return cut(value, 600) if isinstance(value, str) else shown(value)


def _line(one: Comparison) -> str:
    titles = [each["column"]["title"] for each in one["tries"] if each["column"] is not None]
    return f"{full_time(one['tries'][0]['started_at'])}: {' | '.join(titles)}"
