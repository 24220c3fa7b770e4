"""What the form of a new workflow begins with, and the fields that several of its questions have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st
from msgspec import Struct

from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.creating.words import PLACES
from dashboard.parts.inputs import inputs_form, with_defaults
from engine.base.services import is_in_workspace, pickers
from engine.copilot.wizard.records import Choices, FilledField, Offer, Offers

T = TypeVar("T", bound=str)
_MOST_OFFERED = 8
"""Names that a warning lists."""


class BegunForm(Struct, frozen=True):
    """The answers that a form begins with."""

    visit: Visit
    offers: Offers
    given: Choices
    key: str
    """Distinguishes the widgets of a form that begins anew."""
    needs: Sequence[str] = ()
    """The conditions that must be filled in."""


def places_of(
    form: BegunForm,
    offer: Offer,
    given: Mapping[str, str],
    key: str,
    missing: list[str],
    *,
    without: Iterable[str] = (),
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
        one.name: _split(given[one.name]) if one.is_list else given[one.name] for one in wanted if given.get(one.name)
    }

    def choices(form_of_field: str) -> Sequence[str]:
        return form.visit.orchestra.connections.choices(form.visit.who, form_of_field)

    found, _ = inputs_form(with_defaults(schema, begun), key, choices)
    for one in wanted:
        _warn(found.get(one.name), [] if is_in_workspace(pickers().get(one.format), None) else choices(one.format))
    texts = {name: ", ".join(one) if isinstance(one, list) else str(one) for name, one in found.items()}
    missing.extend(t(PLACES[one.name]) for one in wanted if not one.is_optional and not texts.get(one.name, "").strip())
    return {name: one for name, one in texts.items() if one.strip()}


def _warn(given: Any, offered: Sequence[str]) -> None:
    """Say which of the given values the account does not offer; its list may be incomplete."""
    known = {one.lstrip("#").casefold() for one in offered}
    for one in given if isinstance(given, list) else [str(given or "").strip()]:
        if known and one and "{{" not in one and "://" not in one and one.lstrip("#").casefold() not in known:
            names = ", ".join([*offered[:_MOST_OFFERED], *(["…"] if len(offered) > _MOST_OFFERED else [])])
            st.warning(plain(t("{value} is not among: {names}", value=one, names=names)), icon=":material/warning:")


def one_of(
    form: BegunForm, name: str, label: str, options: Sequence[T], given: T, words: Mapping[T, str], **how: Any
) -> T:
    """Ask for one of a few options; the key has them, since others begin anew."""
    at, key = options.index(given) if given in options else 0, f"{form.key}-{name}-{'-'.join(options)}"
    chosen = st.radio(label, options, at, format_func=lambda one: t(words[one]), horizontal=True, key=key, **how)
    return chosen or options[0]


def several(label: str, given: Iterable[str], placeholder: str, key: str) -> list[str]:
    """Ask for several texts, with commas between."""
    typed = st.text_input(label, ", ".join(given), key=key, placeholder=placeholder)
    return list(dict.fromkeys(_split(typed)))


def titled(offer: Offer) -> str:
    """Return the title of a source or target, and whether its service is still to be connected."""
    return t(offer.title) if offer.is_connected else t("{title} (not connected)", title=t(offer.title))


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _schema_of(one: FilledField) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "array", "items": {"type": "string"}} if one.is_list else {"type": "string"}
    if one.default:
        shape["default"] = one.default
    return {**shape, "title": t(PLACES[one.name]), "format": one.format}
