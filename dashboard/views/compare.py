"""Two runs side by side: what was changed in between, which answers differ, then all other differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.approvals.questions import opened_at
from dashboard.base import session
from dashboard.base.language import N_, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Page, Visit
from dashboard.base.plain import outside_code, plain
from dashboard.compare.groups import groups, item_of, steps_of, the_same
from dashboard.parts.header import found, page_header, section
from dashboard.parts.status import status_badge
from dashboard.parts.times import full_time
from dashboard.parts.values import cut, json_text
from engine.base.errors import InvalidInput
from engine.record.differences import ABSENT, Difference
from engine.record.types.run import Run
from engine.runs.compare.answers import differing_answers
from engine.runs.compare.diff import RunDiff, StepDiff

PAGE = Page(
    title=N_("Compare"), icon=":material/difference:", path="compare", order=32, section=N_("Runs"), in_menu=False
)

_ONE, _OTHER = "①", "②"
_ARROW = ":material/arrow_forward:"
_TRAIL = [(N_("Runs"), "runs")]
_TITLE = N_("Two runs compared")
_SHOWN, _SHOWN_FIELDS = 20, 8
_SHORT, _LONG, _BEFORE = 60, 800, 160


def show(visit: Visit) -> None:
    """Compare the runs that `?first=` and `?second=` name: the changes, their results, then all other differences."""
    runs = found(visit, lambda: _runs(visit), _TITLE, _TRAIL)
    diff = visit.orchestra.runs.diff(visit.who, *(str(run["run_id"]) for run in runs))
    page_header(visit, t(_TITLE), _workflows(*runs), trail=_TRAIL)
    st.header(plain(translated(diff.headline or diff.sentence)), anchor=False)
    if diff.headline:
        st.caption(plain(translated(diff.sentence.removeprefix(diff.headline).strip())))
    _sides(visit, *runs)
    if diff.is_same:
        st.success(t("There is no difference."), icon=":material/check_circle:")
    if diff.definition:
        section(t("The workflow and its prompts"))
        _differences(diff.definition, "definition")
    steps, others = steps_of(diff), differing_answers(*runs)
    answers = [one for one in steps if one.path in others]
    _steps(visit, diff, runs, t("Answered differently"), answers)
    _first(visit, diff, runs, [] if answers else steps[:1])
    if diff.run:
        section(t("The runs overall"))
        _differences(diff.run, "run")
    rest = [one for one in steps if one not in answers] if answers else steps[1:]
    _steps(visit, diff, runs, t("What else differs") if answers else t("What differs after that"), rest)


def _runs(visit: Visit) -> tuple[Run, Run]:
    first, second = (st.query_params.get(name, "") for name in ("first", "second"))
    if not first or not second:
        raise InvalidInput(t("Two runs are needed."), remedy=t("Open one from the list, then press Compare."))
    return visit.orchestra.runs.get(visit.who, first), visit.orchestra.runs.get(visit.who, second)


def _workflows(first: Run, second: Run) -> str:
    titles = [str(run["definition"]["workflow"].get("title") or run["workflow"]) for run in (first, second)]
    return t(" and ").join(dict.fromkeys(titles))


def _sides(visit: Visit, first: Run, second: Run) -> None:
    for column, title, run in zip(
        st.columns(2, gap="medium"),
        (t("{one_} First run", one_=_ONE), t("{other} Second run", other=_OTHER)),
        (first, second),
        strict=True,
    ):
        with column, st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{title}**", width="content")
                status_badge(str(run["status"]), run["counts"])
            st.caption(plain(full_time(run["started_at"] or run["queued_at"])))
            visit.link(t("Open it"), "run", icon=":material/arrow_forward:", id=str(run["run_id"]))


def _first(visit: Visit, diff: RunDiff, runs: Sequence[Run], steps: Sequence[StepDiff]) -> None:
    for one in steps:
        section(t("The first difference"))
        with st.container(border=True, key="first-difference"):
            _step(visit, diff, one, item_of(one.path, runs))


def _steps(visit: Visit, diff: RunDiff, runs: Sequence[Run], title: str, steps: Sequence[StepDiff]) -> None:
    """Show steps below a heading, those that differ in the same way as one."""
    found = groups(steps)
    if not found:
        return
    section(f"{title} ({len(steps)})")
    shown = session.draft(_drawn(diff, title), _SHOWN)
    for one in found[:shown]:
        with st.container(key=f"row-difference-{one.first.path}"):
            _step(visit, diff, one.first, item_of(one.first.path, runs))
            if one.others:
                st.caption(plain(the_same(one, runs)))
    if len(found) > shown and st.button(
        t("{differences} more", differences=tn("{count} difference", "{count} differences", len(found) - shown)),
        key=f"more-{title}",
        icon=":material/expand_more:",
    ):
        session.keep_draft(_drawn(diff, title), shown + _SHOWN)
        st.rerun()


def _drawn(diff: RunDiff, title: str) -> str:
    return f"differences.{diff.good}.{diff.bad}.{title}"


def _step(visit: Visit, diff: RunDiff, one: StepDiff, item: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        about = f" · {plain(item)}" if item and item != one.title else ""
        st.markdown(f"**{plain(one.title)}**{about} :small[:gray[{plain(one.path)}]]", width="content")
        for kind in one.kinds:
            st.badge(_kind(one, kind), color="orange")
        for label, run_id, path in (
            (t("In the first"), diff.good, one.good_path),
            (t("In the second"), diff.bad, one.bad_path),
        ):
            if path is not None:
                visit.link(label, "run", icon=":material/arrow_forward:", id=run_id, **opened_at(path))
    if one.good_path is not None and one.bad_path is not None:
        _differences(one.differences, one.path)


def _kind(one: StepDiff, kind: str) -> str:
    """Return in words how a step differs; a step that only one of the runs has differs in nothing else."""
    if kind != "presence":
        return kind
    return t("only in the second") if one.good_path is None else t("only in the first")


def _differences(found: Sequence[Difference], place: str) -> None:
    """Show each place that differs with both values side by side; they may contain text from outside."""
    with st.container(key=f"differences-{place}"):
        _sides_of(found)


def _sides_of(found: Sequence[Difference]) -> None:
    for one in found[:_SHOWN_FIELDS]:
        field, *sides = st.columns([2, 3, 3], gap="medium")
        with field:
            st.markdown(f":gray[{plain(one.field)}]")
        if one.is_bare:
            sides[0].markdown(t("changed"))
            continue
        texts = [None if value is ABSENT else _text(value) for value in (one.old, one.new)]
        begin = _begin(*texts)
        for column, mark, text in zip(sides, (_ONE, _OTHER), texts, strict=True):
            with column:
                _value(mark, text, begin)
    if len(found) > _SHOWN_FIELDS:
        st.caption(
            t(
                "… and {more_places}",
                more_places=tn("{count} more place", "{count} more places", len(found) - _SHOWN_FIELDS),
            )
        )


def _text(value: Any) -> str:
    """Return a text as it is, the lines of a prompt's file joined, anything else as JSON."""
    if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    return value if isinstance(value, str) else json_text(value)


def _begin(old: str | None, new: str | None) -> int:
    """Return where to start showing two texts: a little before the first character that differs."""
    if old is None or new is None or max(len(old), len(new)) <= _LONG:
        return 0
    same = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), 0)
    return max(0, same - _BEFORE)


def _value(mark: str, text: str | None, begin: int) -> None:
    """Show one side; the mark identifies it on a narrow screen, where the sides are below each other."""
    if text is None:
        st.markdown(t(":gray[{mark} (nothing)]", mark=mark))
    elif len(text) <= _SHORT and "\n" not in text:
        st.markdown(f":gray[{mark}] {plain(text) or t(':gray[(empty)]')}")
    else:
        st.caption(mark)
        outside_code(cut(f"… {text[begin:]}" if begin else text, _LONG))
