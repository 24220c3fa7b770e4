"""The second question about a new workflow: what it looks at, which of it counts, and what a model reads in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from msgspec import Struct

from dashboard.base import session
from dashboard.base.language import N_, t
from dashboard.creating.begun import BegunForm, places_of, several, titled
from dashboard.creating.examples import KNOWN_VALUES
from engine.copilot.wizard.records import ItemFilter, Offer, ValueKind, WantedValue, WhenToStart

_FIRST = ("senders", "words", "has_file", "is_new", "labels", "unassigned")
"""The conditions that are always shown; the others can be opened."""
_LISTS: Mapping[str, tuple[str, str, str]] = {
    "senders": (N_("Only from these senders"), N_("Anybody, or: {example}"), N_("boss@example.com, example.org")),
    "words": (N_("Only with one of these words"), N_("Any, or: {example}"), N_("invoice, bill")),
    "labels": (N_("Only with all of these labels"), N_("Any, or: {example}"), N_("bug, urgent")),
}
"""Conditions that are several texts: the label, what an empty one means, and an example."""
_TICKS: Mapping[str, str] = {
    "has_file": N_("Only with an attached file"),
    "is_new": N_("Only what is new since the last time"),
    "unassigned": N_("Only if nobody is assigned"),
}
_NUMBERS: Mapping[str, str] = {
    "newer_days": N_("Not older than this many days"),
    "older_days": N_("Untouched for this many days"),
    "more_than": N_("Only if there are more than this many"),
}


class WhatItLooksAt(Struct, frozen=True):
    """The answer to the second question."""

    source: Offer
    places: Mapping[str, str]
    only: ItemFilter
    kinds: Sequence[str]
    values: tuple[WantedValue, ...]
    is_file_read: bool
    is_summarized: bool


def source_now(form: BegunForm) -> Offer:
    """Return the source, which is asked for below."""
    name = session.widget_value(f"{form.key}-source", form.given.source)
    return next(one for one in form.offers.sources if one.name == name)


def ask_what(form: BegunForm, start: WhenToStart, missing: list[str]) -> WhatItLooksAt:
    """Ask what a workflow looks at; `missing` gets what still has to be filled in."""
    source = _source(form)
    places = places_of(form, source, form.given.places, f"{form.key}-{source.name}", missing)
    only = _only(form, source, start, missing)
    return WhatItLooksAt(source, places, only, *_reading(form, source))


def _source(form: BegunForm) -> Offer:
    names = [one.name for one in form.offers.sources]
    by_name = {one.name: one for one in form.offers.sources}
    chosen = st.selectbox(
        t("It looks at"),
        names,
        names.index(form.given.source),
        format_func=lambda one: titled(by_name[one]),
        key=f"{form.key}-source",
    )
    return by_name[chosen or form.given.source]


def _only(form: BegunForm, source: Offer, start: WhenToStart, missing: list[str]) -> ItemFilter:
    given, key = form.given.only, f"{form.key}-{source.name}-only"
    wanted = [one for one in source.filters if one != "is_new" or start is WhenToStart.SCHEDULE]
    found: dict[str, Any] = {}
    for name in (one for one in _FIRST if one in wanted):
        if name in _LISTS:
            label, anything, example = _LISTS[name]
            is_needed = name in form.needs
            empty = t(example) if is_needed else t(anything, example=t(example))
            found[name] = several(t(label), getattr(given, name), empty, f"{key}-{name}")
            if is_needed and not found[name]:
                missing.append(t(label))
        else:
            is_begun = bool(getattr(given, name)) or name == "is_new" or (name == "has_file" and bool(given.ending))
            found[name] = st.toggle(t(_TICKS[name]), is_begun, key=f"{key}-{name}")
    rest = [one for one in wanted if one not in _FIRST]
    if rest:
        with st.expander(t("More conditions")):
            found |= _rarer(form, rest, f"{key}-more")
    return ItemFilter.model_validate(found)


def _rarer(form: BegunForm, wanted: Sequence[str], key: str) -> dict[str, Any]:
    """Show the conditions that are rarely needed."""
    given, found = form.given.only, dict[str, Any]()
    if "ending" in wanted:
        ending = st.text_input(
            t("Only attached files of this kind"), given.ending, placeholder="pdf", key=f"{key}-ending"
        )
        found["ending"] = ending.strip().lstrip(".").lower()
    for name in (one for one in _NUMBERS if one in wanted):
        now = getattr(given, name)
        number = st.number_input(t(_NUMBERS[name]), 0, 3650, now if now > 0 else None, key=f"{key}-{name}")
        if number is not None:
            found[name] = int(number)
    if "column" in wanted:
        with st.container(horizontal=True):
            found["column"] = st.text_input(t("Only if this column"), given.column, key=f"{key}-column").strip()
            found["above"] = st.number_input(t("is above"), value=given.above, key=f"{key}-above")
    return found


def _reading(form: BegunForm, source: Offer) -> tuple[tuple[str, ...], tuple[WantedValue, ...], bool, bool]:
    """Ask what a model does: the kinds, the values and where it finds them, and whether it sums up."""
    given, key = form.given, f"{form.key}-read"
    is_open = bool(given.kinds or given.values or given.is_summarized)
    with st.expander(t("Let a model read it"), expanded=is_open, icon=":material/auto_awesome:"):
        label, empty = t("Find out whether it is …"), t("For example: a complaint, a question")
        kinds = several(label, given.kinds, empty, f"{key}-kinds")
        values = _values(form, key)
        is_file_read = (
            bool(values)
            and source.has_files
            and st.toggle(t("Look for them in the attached PDF"), given.is_file_read, key=f"{key}-file")
        )
        is_summarized = st.toggle(t("Sum it up in a few points"), given.is_summarized, key=f"{key}-sum")
    return tuple(kinds), values, is_file_read, is_summarized


def _values(form: BegunForm, key: str) -> tuple[WantedValue, ...]:
    """Ask which values a model finds, and which of them are numbers and dates."""
    known = {t(name): kind for name, kind in KNOWN_VALUES.items()}
    begun = [one.name for one in form.given.values]
    names = st.multiselect(
        t("Find these values in it"),
        list(dict.fromkeys([*begun, *known])),
        begun,
        accept_new_options=True,
        placeholder=t("For example: amount, date"),
        key=f"{key}-values",
    )
    own = [one for one in names if one not in known]
    kinds = known | dict.fromkeys(own, ValueKind.TEXT)
    if own:
        numbers = _some(t("Which are numbers?"), own, f"{key}-numbers")
        dates = _some(t("Which are dates?"), [one for one in own if one not in numbers], f"{key}-dates")
        kinds |= dict.fromkeys(numbers, ValueKind.NUMBER) | dict.fromkeys(dates, ValueKind.DATE)
    return tuple(WantedValue(name=name, kind=kinds[one]) for one in names if (name := column_name(one)))


def _some(label: str, names: Sequence[str], key: str) -> list[str]:
    """Ask for some of the names; those that were chosen stay so when there are others."""
    before = session.draft(key, list[str]())
    chosen = st.multiselect(label, names, [one for one in before if one in names], key=f"{key}-{'-'.join(names)}")
    session.keep_draft(key, chosen)
    return chosen


def column_name(text: str) -> str:
    """Return a name without the signs that are between the columns of a sheet, and within one."""
    return " ".join(text.replace(",", " ").replace("=", " ").split())
