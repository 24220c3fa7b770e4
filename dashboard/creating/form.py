"""The three questions about a new workflow: when, what, and what then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import time
from typing import Any, TypeVar

import streamlit as st
from msgspec import Struct

from dashboard.base import fields, session
from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.creating.examples import KNOWN_VALUES, WORKDAYS
from dashboard.creating.words import AMOUNTS, PLACES
from dashboard.parts.buttons import remove_button
from dashboard.parts.inputs import inputs_form, with_defaults
from engine.copilot.wizard.parts import COLUMNS
from engine.copilot.wizard.records import (
    Choices,
    Chosen,
    FilledField,
    ItemCount,
    ItemFilter,
    Offer,
    Offers,
    OwnText,
    ValueKind,
    WantedValue,
    WhenToStart,
)
from engine.triggers.cron import DAYS, DailyTime, cron_of, daily_time

_STARTS: Mapping[WhenToStart, str] = {
    WhenToStart.NEW: N_("Whenever there is something new"),
    WhenToStart.SCHEDULE: N_("At fixed times"),
    WhenToStart.HAND: N_("When I start it"),
}
_PARTS: Mapping[str, str] = {
    "title": N_("the subject or title"),
    "sender": N_("the sender"),
    "date": N_("the date"),
    "text": N_("the text"),
    "url": N_("the link"),
    "number": N_("the number"),
}
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
_MOST_TARGETS = 6
T = TypeVar("T", bound=str)


class FormAnswers(Struct, frozen=True):
    """What a person has answered so far."""

    choices: Choices
    missing: Sequence[str]
    """What still has to be filled in."""


class QuestionForm(Struct, frozen=True):
    """The questions, which begin with some answers."""

    visit: Visit
    offers: Offers
    given: Choices
    key: str
    """Distinguishes the widgets of a form that begins anew."""
    needs: Sequence[str] = ()
    """The conditions that must be filled in."""

    def ask(self) -> FormAnswers:
        """Show the questions; return the answers."""
        missing: list[str] = []
        with st.container(border=True):
            st.markdown(f"**{t('1. When?')}**")
            source = self._source_now()
            start, cron = self._start(source)
        with st.container(border=True):
            st.markdown(f"**{t('2. What does it look at?')}**")
            source = self._source()
            places = self._places(source, self.given.places, f"{self.key}-{source.name}", missing)
            only = self._only(source, start, missing)
            kinds, values, is_file_read, is_summarized = self._reading(source)
        with st.container(border=True):
            st.markdown(f"**{t('3. What happens then?')}**")
            fitting = [one for one in self.offers.targets if source.name in one.sources]
            targets = self._targets(source, fitting, kinds, values, missing)
            amount = self._amount(source, start, targets, is_one=bool(kinds or values))
        choices = Choices(
            source=source.name,
            places=places,
            start=start,
            cron=cron,
            only=only,
            kinds={one: one for one in kinds},
            values=values,
            is_file_read=is_file_read,
            is_summarized=is_summarized,
            amount=amount,
            targets=targets,
        )
        return FormAnswers(choices, missing)

    # --- when

    def _source_now(self) -> Offer:
        """Return the source, which is asked for below."""
        name = session.widget_value(f"{self.key}-source", self.given.source)
        return next(one for one in self.offers.sources if one.name == name)

    def _start(self, source: Offer) -> tuple[WhenToStart, str]:
        can = {
            WhenToStart.NEW: source.can_start,
            WhenToStart.SCHEDULE: not source.needs_start,
            WhenToStart.HAND: not source.needs_start,
        }
        starts = [one for one, is_possible in can.items() if is_possible]
        start = self._one_of("start", t("When?"), starts, self.given.start, _STARTS, label_visibility="collapsed")
        return start, self._times() if start is WhenToStart.SCHEDULE else ""

    def _times(self) -> str:
        begun = daily_time(self.given.cron) or WORKDAYS
        zone = self.visit.orchestra.triggers.time_zone(self.visit.who)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            at = st.time_input(t("At"), time(begun.hour, begun.minute), step=900, key=f"{self.key}-at", width=140)
            chosen = st.pills(
                t("On"),
                [*range(1, len(DAYS) + 1)],
                selection_mode="multi",
                default=begun.days or [*range(1, len(DAYS) + 1)],
                format_func=lambda one: t(DAYS[one - 1]),
                key=f"{self.key}-days",
            )
        st.caption(plain(t("Times are in the time zone {zone}.", zone=zone)))
        return cron_of(DailyTime(at.hour, at.minute, chosen) if at else WORKDAYS)

    # --- what

    def _source(self) -> Offer:
        names = [one.name for one in self.offers.sources]
        by_name = {one.name: one for one in self.offers.sources}
        chosen = st.selectbox(
            t("It looks at"),
            names,
            names.index(self.given.source),
            format_func=lambda one: _titled(by_name[one]),
            key=f"{self.key}-source",
        )
        return by_name[chosen or self.given.source]

    def _places(
        self, offer: Offer, given: Mapping[str, str], key: str, missing: list[str], *, without: Iterable[str] = ()
    ) -> dict[str, str]:
        """Show the fields of a source or target, with what the account has to choose from."""
        wanted = [one for one in offer.places if one.name not in without]
        if not wanted:
            return {}
        schema = {
            "properties": {one.name: _schema_of(one) for one in wanted},
            "required": [one.name for one in wanted if not one.is_optional],
        }
        begun = {
            one.name: _split(given[one.name]) if one.is_list else given[one.name]
            for one in wanted
            if given.get(one.name)
        }
        found, _ = inputs_form(with_defaults(schema, begun), key, self._choices)
        texts = {name: ", ".join(one) if isinstance(one, list) else str(one) for name, one in found.items()}
        missing.extend(
            t(PLACES[one.name]) for one in wanted if not one.is_optional and not texts.get(one.name, "").strip()
        )
        return {name: one for name, one in texts.items() if one.strip()}

    def _choices(self, form: str) -> Sequence[str]:
        return self.visit.orchestra.connections.choices(self.visit.who, form)

    def _only(self, source: Offer, start: WhenToStart, missing: list[str]) -> ItemFilter:
        given, key = self.given.only, f"{self.key}-{source.name}-only"
        wanted = [one for one in source.filters if one != "is_new" or start is WhenToStart.SCHEDULE]
        found: dict[str, Any] = {}
        for name in (one for one in _FIRST if one in wanted):
            if name in _LISTS:
                label, anything, example = _LISTS[name]
                is_needed = name in self.needs
                empty = t(example) if is_needed else t(anything, example=t(example))
                found[name] = _several(t(label), getattr(given, name), empty, f"{key}-{name}")
                if is_needed and not found[name]:
                    missing.append(t(label))
            else:
                is_begun = bool(getattr(given, name)) or name == "is_new" or (name == "has_file" and bool(given.ending))
                found[name] = st.toggle(t(_TICKS[name]), is_begun, key=f"{key}-{name}")
        rest = [one for one in wanted if one not in _FIRST]
        if rest:
            with st.expander(t("More conditions")):
                found |= self._rarer(rest, f"{key}-more")
        return ItemFilter.model_validate(found)

    def _rarer(self, wanted: Sequence[str], key: str) -> dict[str, Any]:
        """Show the conditions that are rarely needed."""
        given, found = self.given.only, dict[str, Any]()
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

    def _reading(self, source: Offer) -> tuple[tuple[str, ...], tuple[WantedValue, ...], bool, bool]:
        """Ask what a model does: the kinds, the values and where it finds them, and whether it sums up."""
        given, key = self.given, f"{self.key}-read"
        is_open = bool(given.kinds or given.values or given.is_summarized)
        with st.expander(t("Let a model read it"), expanded=is_open, icon=":material/auto_awesome:"):
            label, empty = t("Find out whether it is …"), t("For example: a complaint, a question")
            kinds = _several(label, given.kinds, empty, f"{key}-kinds")
            values = self._values(key)
            is_file_read = (
                bool(values)
                and source.has_files
                and st.toggle(t("Look for them in the attached PDF"), given.is_file_read, key=f"{key}-file")
            )
            is_summarized = st.toggle(t("Sum it up in a few points"), given.is_summarized, key=f"{key}-sum")
        return tuple(kinds), values, is_file_read, is_summarized

    def _values(self, key: str) -> tuple[WantedValue, ...]:
        """Ask which values a model finds, and which of them are numbers and dates."""
        known = {t(name): kind for name, kind in KNOWN_VALUES.items()}
        begun = [one.name for one in self.given.values]
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
        return tuple(WantedValue(name=name, kind=kinds[one]) for one in names if (name := _column_name(one)))

    # --- then

    def _targets(
        self,
        source: Offer,
        fitting: Sequence[Offer],
        kinds: Sequence[str],
        values: Sequence[WantedValue],
        missing: list[str],
    ) -> tuple[Chosen, ...]:
        slot = f"{self.key}-targets"
        first = len(self.given.targets)
        numbers, free = session.draft(slot, ([*range(first)], first))
        found: list[Chosen] = []
        for number in numbers:
            slot_of_one = f"{slot}-{number}"
            given = self.given.targets[number] if number < first else _another(fitting, found, slot_of_one)
            with st.container(border=len(numbers) > 1, key=slot_of_one):
                found.append(self._target(source, fitting, given, kinds, values, missing, slot_of_one))
                if len(numbers) > 1:
                    rest = ([one for one in numbers if one != number], free)
                    remove_button(f"{slot_of_one}-remove", slot, rest)
        if len(numbers) < _MOST_TARGETS:
            st.button(
                t("And something else"),
                key=f"{slot}-more",
                type="tertiary",
                icon=":material/add:",
                on_click=session.keep_draft,
                args=(slot, ([*numbers, free], free + 1)),
            )
        return tuple(found)

    def _target(
        self,
        source: Offer,
        fitting: Sequence[Offer],
        given: Chosen,
        kinds: Sequence[str],
        values: Sequence[WantedValue],
        missing: list[str],
        key: str,
    ) -> Chosen:
        by_name = {one.name: one for one in fitting}
        names = list(by_name)
        chosen = st.selectbox(
            t("Do this"),
            names,
            names.index(given.target) if given.target in names else 0,
            format_func=lambda one: _titled(by_name[one]),
            key=f"{key}-{source.name}",
        )
        offer = by_name[chosen or names[0]]
        begun = given if given.target == offer.name else Chosen(target=offer.name)
        inner = f"{key}-{offer.name}"
        places = self._places(offer, begun.places, inner, missing, without=("columns",))
        if any(one.name == "columns" for one in offer.places):
            places |= _columns(source, values, inner)
        text = self._text(offer, begun, inner, missing)
        when = ""
        if kinds:
            when = st.selectbox(
                t("Only if it is"),
                ["", *kinds],
                [*kinds].index(begun.when) + 1 if begun.when in kinds else 0,
                format_func=lambda one: one or t("(in any case)"),
                key=f"{inner}-when-{'-'.join(kinds)}",
            )
        is_approved = st.toggle(t("Ask me first"), begun.is_approved, key=f"{inner}-ask")
        return Chosen(target=offer.name, places=places, text=text, when=when or "", is_approved=is_approved)

    def _text(self, offer: Offer, given: Chosen, key: str, missing: list[str]) -> str:
        """Ask for a text of the person's own, or a wish about the one that a model writes."""
        if offer.text not in (OwnText.NEEDED, OwnText.WISH):
            return ""
        label = t("What it should say")
        text = fields.text_area(label, given.text, key=f"{key}-text", height=80)
        if offer.text is OwnText.NEEDED and not text.strip():
            missing.append(label)
        return text

    def _amount(self, source: Offer, start: WhenToStart, targets: Sequence[Chosen], *, is_one: bool) -> ItemCount:
        """Ask how many items a target is about, where there is a choice."""
        is_event = start is WhenToStart.NEW and source.is_single
        if is_one or is_event:
            return ItemCount.EACH
        by_name = {one.name: one for one in self.offers.targets}
        possible = [one for one in ItemCount if all(one in by_name[each.target].amounts for each in targets)]
        if len(possible) < 2:
            return possible[0] if possible else ItemCount.EACH
        return self._one_of("amount", t("How many at once"), possible, self.given.amount, AMOUNTS)

    def _one_of(self, name: str, label: str, options: Sequence[T], given: T, words: Mapping[T, str], **how: Any) -> T:
        """Ask for one of a few options; the key has them, since others begin anew."""
        at, key = options.index(given) if given in options else 0, f"{self.key}-{name}-{'-'.join(options)}"
        chosen = st.radio(label, options, at, format_func=lambda one: t(words[one]), horizontal=True, key=key, **how)
        return chosen or options[0]


def _another(fitting: Sequence[Offer], chosen: Sequence[Chosen], slot: str) -> Chosen:
    """Return what a further target begins with: something that is not done yet, and the same from then on."""
    used = {one.target for one in chosen}
    first = session.draft(slot, "") or next((one.name for one in fitting if one.name not in used), fitting[0].name)
    session.keep_draft(slot, first)
    return Chosen(target=first)


def _columns(source: Offer, values: Sequence[WantedValue], key: str) -> dict[str, str]:
    """Ask what the columns of a sheet are called; an empty one is left out."""
    wanted = {one.name: (one.name, one.name) for one in values} or {
        role: (t(_PARTS[role]), COLUMNS[role]) for role in source.parts if role in _PARTS
    }
    found = []
    st.caption(t("The columns of the sheet, as its first row names them. An empty one is left out."))
    with st.container(horizontal=True):
        for role, (label, begun) in wanted.items():
            column = st.text_input(
                t("Column for {what}", what=plain(label)), begun, key=f"{key}-column-{role}", width=200
            )
            if _column_name(column):
                found.append(f"{_column_name(column)}={role}")
    return {"columns": ", ".join(found)} if found else {}


def _column_name(text: str) -> str:
    """Return a name without the signs that are between the columns of a sheet, and within one."""
    return " ".join(text.replace(",", " ").replace("=", " ").split())


def _some(label: str, names: Sequence[str], key: str) -> list[str]:
    """Ask for some of the names; those that were chosen stay so when there are others."""
    before = session.draft(key, list[str]())
    chosen = st.multiselect(label, names, [one for one in before if one in names], key=f"{key}-{'-'.join(names)}")
    session.keep_draft(key, chosen)
    return chosen


def _titled(offer: Offer) -> str:
    return t(offer.title) if offer.is_connected else t("{title} (not connected)", title=t(offer.title))


def _schema_of(one: FilledField) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "array", "items": {"type": "string"}} if one.is_list else {"type": "string"}
    if one.default:
        shape["default"] = one.default
    return {**shape, "title": t(PLACES[one.name]), "format": one.format}


def _several(label: str, given: Iterable[str], placeholder: str, key: str) -> list[str]:
    """Ask for several texts, with commas between."""
    typed = st.text_input(label, ", ".join(given), key=key, placeholder=placeholder)
    return list(dict.fromkeys(_split(typed)))


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
