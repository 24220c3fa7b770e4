"""The button that asks models: before a real account is asked for the first time, the person agrees to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import field_label, plain
from dashboard.parts.buttons import action_button
from engine.people.access import Principal
from engine.runs.prompt_tries.records import RealModel

T = TypeVar("T")


@dataclass(frozen=True)
class Asking(Generic[T]):
    """What the button does."""

    at: str
    """Distinguishes two such buttons, in their keys."""
    label: str
    start: Callable[[Principal], T]
    begun: Callable[[T], object]
    """Called before the page is drawn again."""
    scope: str
    """What makes a press a different one: a digest of what is asked."""


@dataclass(frozen=True)
class Needed:
    """The real accounts that a person agrees to first."""

    names: list[str]
    words: str
    """Which models at which hosts."""


def needed_for(visit: Visit, prompt: str, asked: Iterable[tuple[str, str]]) -> Needed:
    """Return what must be agreed to; `asked`: connections, each with a model, "" for the connection's own."""
    models: dict[RealModel, dict[str, None]] = {}
    for connection, model in asked:
        found = visit.orchestra.tries.needs_confirmation(visit.who, prompt, connection)
        if found is not None:
            models.setdefault(found, {})[model or found.model] = None
    words = [t("{model} at {host}", model=" / ".join(names), host=one.host) for one, names in models.items()]
    return Needed([one.name for one in models], ", ".join(words))


def cases_needed(visit: Visit, prompt: str, asked: Iterable[tuple[str, str]]) -> Needed:
    """Return the same for a test with the cases of a prompt, whose answers other connections may judge."""
    judges = visit.orchestra.case_tests.judges(visit.who, prompt)
    return needed_for(visit, prompt, [*asked, *((one, "") for one in judges)])


def cases_agreed(needed: Needed, key: str) -> bool:
    """Return whether nothing must be agreed to, or a tick says that it is."""
    words = t(
        "Ask {models}: it may cost money. The prompt and the values that fill it in are sent there.",
        models=needed.words,
    )
    return not needed.names or st.checkbox(field_label(words), key=key)


def ask_button(visit: Visit, asking: Asking[T], needed: Needed, place: DeltaGenerator) -> None:
    """Show the button in a place, and below the current one the accounts that the person agrees to first."""
    if not needed.names:
        with place:
            _button(visit, asking, needed, asking.label, "ask")
        return
    with place:
        if st.button(f"{asking.label} …", key=f"look-{asking.at}", type="primary", icon=":material/send:"):
            session.keep_draft(f"ask.{asking.at}", needed)
    if session.draft(f"ask.{asking.at}", None) == needed:
        _first(visit, asking, needed)


def model_named(document: Mapping[str, Any] | None) -> str:
    """Return the model that a prompt names, "" if it names none."""
    return str((document or {}).get("model") or "")


def digest(asked: Mapping[str, Any]) -> str:
    """Return a short text that differs when what is asked differs."""
    return hashlib.sha256(repr(sorted(asked.items())).encode("utf-8", "replace")).hexdigest()[:16]


def _first(visit: Visit, asking: Asking[T], needed: Needed) -> None:
    """Ask before a prompt is tried on a real account for the first time."""
    with st.container(border=True, key=f"first-try-{asking.at}"):
        st.markdown(
            plain(t("This asks a real model for the first time with this prompt: {models}.", models=needed.words))
        )
        st.caption(t("It may cost money, and the values above are sent there."))
        with st.container(horizontal=True):
            _button(visit, asking, needed, t("Ask it"), "confirm-ask")
            if st.button(t("Not now"), key=f"not-now-{asking.at}", type="tertiary"):
                session.drop_draft(f"ask.{asking.at}")
                st.rerun()


def _button(visit: Visit, asking: Asking[T], needed: Needed, label: str, key: str) -> None:
    def begun(one: T) -> None:
        session.drop_draft(f"ask.{asking.at}")
        asking.begun(one)
        st.rerun()

    action_button(
        label,
        f"{key}-{asking.at}",
        lambda _key: asking.start(visit.who.agreeing(needed.names)),
        begun,
        scope=asking.scope,
        type="primary",
        icon=":material/send:",
    )
