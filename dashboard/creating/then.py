"""The third question about a new workflow: what happens with what it has found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import N_, t
from dashboard.base.plain import plain
from dashboard.creating.begun import BegunForm, one_of, places_of, titled
from dashboard.creating.what import WhatItLooksAt, column_name
from dashboard.creating.words import AMOUNTS
from dashboard.parts.buttons import remove_button
from engine.copilot.wizard.parts import COLUMNS
from engine.copilot.wizard.records import Chosen, ItemCount, Offer, OwnText, WantedValue, WhenToStart

_PARTS: Mapping[str, str] = {
    "title": N_("the subject or title"),
    "sender": N_("the sender"),
    "date": N_("the date"),
    "text": N_("the text"),
    "url": N_("the link"),
    "number": N_("the number"),
}
_MOST_TARGETS = 6


def ask_then(
    form: BegunForm, what: WhatItLooksAt, start: WhenToStart, missing: list[str]
) -> tuple[tuple[Chosen, ...], ItemCount]:
    """Ask what happens then, and with how many items at once; `missing` gets what still has to be filled in."""
    targets = _targets(form, what, missing)
    return targets, _amount(form, what.source, start, targets, is_one=bool(what.kinds or what.values))


def _targets(form: BegunForm, what: WhatItLooksAt, missing: list[str]) -> tuple[Chosen, ...]:
    fitting = [one for one in form.offers.targets if what.source.name in one.sources]
    slot = f"{form.key}-targets"
    first = len(form.given.targets)
    numbers, free = session.draft(slot, ([*range(first)], first))
    found: list[Chosen] = []
    for number in numbers:
        slot_of_one = f"{slot}-{number}"
        given = form.given.targets[number] if number < first else _another(fitting, found, slot_of_one)
        with st.container(border=len(numbers) > 1, key=slot_of_one):
            found.append(_target(form, what, fitting, given, missing, slot_of_one))
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
    form: BegunForm, what: WhatItLooksAt, fitting: Sequence[Offer], given: Chosen, missing: list[str], key: str
) -> Chosen:
    by_name = {one.name: one for one in fitting}
    names = list(by_name)
    chosen = st.selectbox(
        t("Do this"),
        names,
        names.index(given.target) if given.target in names else 0,
        format_func=lambda one: titled(by_name[one]),
        key=f"{key}-{what.source.name}",
    )
    offer = by_name[chosen or names[0]]
    begun = given if given.target == offer.name else Chosen(target=offer.name)
    inner = f"{key}-{offer.name}"
    places = places_of(form, offer, begun.places, inner, missing, without=("columns",))
    if any(one.name == "columns" for one in offer.places):
        places |= _columns(what.source, what.values, inner)
    text = _text(form, offer, begun, inner, missing)
    when = ""
    if what.kinds:
        when = st.selectbox(
            t("Only if it is"),
            ["", *what.kinds],
            [*what.kinds].index(begun.when) + 1 if begun.when in what.kinds else 0,
            format_func=lambda one: one or t("(in any case)"),
            key=f"{inner}-when-{'-'.join(what.kinds)}",
        )
    is_approved = st.toggle(t("Ask me first"), begun.is_approved, key=f"{inner}-ask")
    return Chosen(target=offer.name, places=places, text=text, when=when or "", is_approved=is_approved)


def _text(form: BegunForm, offer: Offer, given: Chosen, key: str, missing: list[str]) -> str:
    """Ask for a text of the person's own, or a wish about the one that a model writes."""
    if offer.text not in (OwnText.NEEDED, OwnText.WISH):
        return ""
    label = t("What it should say")
    text = fields.text_area(label, given.text, key=f"{key}-text", height=80)
    if offer.text is OwnText.NEEDED and not text.strip():
        missing.append(label)
    return text


def _amount(
    form: BegunForm, source: Offer, start: WhenToStart, targets: Sequence[Chosen], *, is_one: bool
) -> ItemCount:
    """Ask how many items a target is about, where there is a choice."""
    is_event = start is WhenToStart.NEW and source.is_single
    if is_one or is_event:
        return ItemCount.EACH
    by_name = {one.name: one for one in form.offers.targets}
    possible = [one for one in ItemCount if all(one in by_name[each.target].amounts for each in targets)]
    if len(possible) < 2:
        return possible[0] if possible else ItemCount.EACH
    return one_of(form, "amount", t("How many at once"), possible, form.given.amount, AMOUNTS)


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
            if column_name(column):
                found.append(f"{column_name(column)}={role}")
    return {"columns": ", ".join(found)} if found else {}
