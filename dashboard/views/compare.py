"""Two runs side by side: where they part first, then all else in which they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from clients.counting import counted
from dashboard import session
from dashboard.page import Page, Visit
from dashboard.parts.header import found, page_header, section
from dashboard.parts.plain import outside_code, plain
from dashboard.parts.questions import opened_at
from dashboard.parts.status import status_badge
from dashboard.parts.times import full_time
from dashboard.parts.values import cut, json_text
from engine.errors import InvalidInput
from engine.runs.diff import RunDiff, StepDiff
from engine.runs.differences import ABSENT, Difference

PAGE = Page(title="Compare", icon=":material/difference:", path="compare", order=32, in_menu=False)

_ONE, _OTHER = "①", "②"
_ARROW = ":material/arrow_forward:"
_TRAIL = [("Runs", "runs")]
_TITLE = "Two runs compared"
_SHOWN, _SHOWN_FIELDS = 20, 8
_SHORT, _LONG, _BEFORE = 60, 800, 160


def show(visit: Visit) -> None:
    """Compare the runs that `?first=` and `?second=` name."""
    first, second = found(visit, lambda: _runs(visit), _TITLE, _TRAIL)
    diff = visit.orchestra.runs.diff(visit.who, first["run_id"], second["run_id"])
    page_header(visit, _TITLE, _workflows(first, second), trail=_TRAIL)
    st.subheader(plain(diff.sentence), anchor=False)
    _sides(visit, first, second)
    if diff.is_same:
        st.success("There is no difference.", icon=":material/check_circle:")
    _first(visit, diff)
    _themselves(diff)
    _rest(visit, diff)


def _runs(visit: Visit) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    first, second = (st.query_params.get(name, "") for name in ("first", "second"))
    if not first or not second:
        raise InvalidInput("Two runs are to be named.", remedy="Open one from the list, then press Compare.")
    return visit.orchestra.runs.get(visit.who, first), visit.orchestra.runs.get(visit.who, second)


def _workflows(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    titles = [str(run["definition"]["workflow"].get("title") or run["workflow"]) for run in (first, second)]
    return " and ".join(dict.fromkeys(titles))


def _sides(visit: Visit, first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    for column, title, run in zip(
        st.columns(2, gap="medium"), (f"{_ONE} First run", f"{_OTHER} Second run"), (first, second), strict=True
    ):
        with column, st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{title}**", width="content")
                status_badge(str(run["status"]), run["counts"])
            st.caption(plain(full_time(run["started_at"] or run["queued_at"])))
            visit.link("Open it", "run", icon=":material/arrow_forward:", id=str(run["run_id"]))


def _first(visit: Visit, diff: RunDiff) -> None:
    if diff.first is None:
        return
    section("Here they part")
    with st.container(border=True, key="first-difference"):
        _step(visit, diff, diff.first)


def _themselves(diff: RunDiff) -> None:
    if diff.run:
        section("The runs as wholes")
        _differences(diff.run, "run")
    if diff.definition:
        section("The workflow and its prompts")
        _differences(diff.definition, "definition")


def _rest(visit: Visit, diff: RunDiff) -> None:
    if not diff.rest:
        return
    section(f"What differs after that ({len(diff.rest)})")
    shown = session.draft(_drawn(diff), _SHOWN)
    for one in diff.rest[:shown]:
        with st.container(key=f"row-difference-{one.path}"):
            _step(visit, diff, one)
    if len(diff.rest) > shown and st.button(
        f"{counted(len(diff.rest) - shown, 'step')} more", key="more-differences", icon=":material/expand_more:"
    ):
        session.keep_draft(_drawn(diff), shown + _SHOWN)
        st.rerun()


def _drawn(diff: RunDiff) -> str:
    return f"differences.{diff.good}.{diff.bad}"


def _step(visit: Visit, diff: RunDiff, one: StepDiff) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(one.title)}** :small[:gray[{plain(one.path)}]]", width="content")
        for kind in one.kinds:
            st.badge(_kind(one, kind), color="orange")
        for label, run_id, path in (
            ("In the first", diff.good, one.good_path),
            ("In the second", diff.bad, one.bad_path),
        ):
            if path is not None:
                visit.link(label, "run", icon=":material/arrow_forward:", id=run_id, **opened_at(path))
    if one.good_path is not None and one.bad_path is not None:
        _differences(one.differences, one.path)


def _kind(one: StepDiff, kind: str) -> str:
    """Return in words in what a step differs; one that only one of the runs has differs in nothing else."""
    if kind != "presence":
        return kind
    return "only in the second" if one.good_path is None else "only in the first"


def _differences(found: Sequence[Difference], place: str) -> None:
    """Show each place that differs, both values side by side; they may hold text from outside."""
    with st.container(key=f"differences-{place}"):
        _sides_of(found)


def _sides_of(found: Sequence[Difference]) -> None:
    for one in found[:_SHOWN_FIELDS]:
        field, *sides = st.columns([2, 3, 3], gap="medium")
        with field:
            st.markdown(f":gray[{plain(one.field)}]")
        texts = [None if value is ABSENT else _text(value) for value in (one.old, one.new)]
        begin = _begin(*texts)
        for column, mark, text in zip(sides, (_ONE, _OTHER), texts, strict=True):
            with column:
                _value(mark, text, begin)
    if len(found) > _SHOWN_FIELDS:
        st.caption(f"… and {counted(len(found) - _SHOWN_FIELDS, 'more place')}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)


def _begin(old: str | None, new: str | None) -> int:
    """Return from where on two texts are shown: a little before the first letter that differs."""
    if old is None or new is None or max(len(old), len(new)) <= _LONG:
        return 0
    same = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), 0)
    return max(0, same - _BEFORE)


def _value(mark: str, text: str | None, begin: int) -> None:
    """Show one side; the mark tells it from the other where a narrow screen puts them below each other."""
    if text is None:
        st.markdown(f":gray[{mark} (nothing)]")
    elif len(text) <= _SHORT and "\n" not in text:
        st.markdown(f":gray[{mark}] {plain(text) or ':gray[(empty)]'}")
    else:
        st.caption(mark)
        outside_code(cut(f"… {text[begin:]}" if begin else text, _LONG))
