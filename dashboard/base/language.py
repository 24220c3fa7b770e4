"""The language of the dashboard: the code has the English texts, and a catalogue translates them.

A text on the screen is `t("Save")` or `t("{name} is saved.", name=name)`; a count is `tn("{count} run", "{count} runs",
n)`. While a module is imported, the language is not known yet: `N_("Save")` only marks the text, and the code that
shows it calls `t`. Every text is a literal, so that `make catalogue` finds it.
"""

from __future__ import annotations

import gettext
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any, Literal, ParamSpec

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.base import session

P = ParamSpec("P")
ENGLISH = "en"
LOCALE = Path(__file__).parents[1] / "locale"
_CHOSEN = "language"


class _Here(threading.local):
    """The catalogue of the session whose page this thread runs."""

    ctx: object = None
    texts: gettext.NullTranslations
    spoken: str = ENGLISH


_here = _Here()


def t(text: str, /, **values: object) -> str:
    """Return a text in the language of the person, with `{name}` replaced by the value `name`."""
    found = _texts().gettext(text) if text else ""
    return found.format(**values) if values else found


def tn(one: str, many: str, count: int, /, **values: object) -> str:
    """Return the form of a text that fits a number; `{count}` is the number itself, with its thousands separated."""
    return _texts().ngettext(one, many, count).format(count=number(count), **values)


def tc(context: str, text: str, /) -> str:
    """Return a text that other languages translate in several ways; `context` says which one is meant here."""
    return _texts().pgettext(context, text)


def N_(text: str) -> str:  # noqa: N802 - the name that gettext uses for it
    """Return the text itself: it is in the catalogue, and translated where it is shown."""
    return text


def number(value: float, digits: int = 0) -> str:
    """Return a number as the language writes it: 1,234.5 or 1.234,5."""
    example = t("1,234.5")  # its translation shows how the language separates thousands and decimals
    # The separators of the example are at places 1 and 5.
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", example[1] + example[5]))


def dialog(
    title: str,
    *,
    width: Literal["small", "large", "medium"] = "small",
    icon: str | None = None,
    on_dismiss: Literal["ignore", "rerun"] = "ignore",
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Make a function an `st.dialog`, whose title is translated when it opens."""

    def decorated(show: Callable[P, None]) -> Callable[P, None]:
        @wraps(show)
        def opened(*args: P.args, **kwargs: P.kwargs) -> None:
            st.dialog(t(title), width=width, icon=icon, on_dismiss=on_dismiss)(show)(*args, **kwargs)

        return opened

    return decorated


def use(chosen: str) -> None:
    """Show this session's pages in a language; "" for the language of the browser."""
    session.keep_draft(_CHOSEN, chosen)
    _here.ctx = None


def language() -> str:
    """Return the language of the session: the person's choice, else the language of the browser, else English.

    Outside of a page, it is the one that `spoken` has set.
    """
    if get_script_run_ctx(suppress_warning=True) is None:
        return _here.spoken
    wanted = session.draft(_CHOSEN, "") or str(_of_browser() or "").partition("-")[0].lower()
    return wanted if wanted in languages() else ENGLISH


@cache
def languages() -> Sequence[str]:
    """Return the languages that the dashboard speaks, English first."""
    return (ENGLISH, *sorted(file.stem for file in LOCALE.glob("*.mo")))


@cache
def catalogue(name: str) -> gettext.NullTranslations:
    """Return the texts of a language; English needs none."""
    if name == ENGLISH:
        return gettext.NullTranslations()
    with (LOCALE / f"{name}.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


@contextmanager
def spoken(name: str) -> Iterator[None]:
    """Use a language outside of a page, e.g. to answer a request; English if it is unknown."""
    _here.spoken = name if name in languages() else ENGLISH
    try:
        yield
    finally:
        _here.spoken = ENGLISH


def script_texts(script: str) -> Mapping[str, str | Sequence[str]]:
    """Return the texts of a script of the browser in the language of the session, by the English text."""
    return _of_scripts(language()).get(script, {})


@cache
def _of_scripts(name: str) -> Mapping[str, Mapping[str, str | Sequence[str]]]:
    if name == ENGLISH:
        return {}
    found: Mapping[str, Mapping[str, str | Sequence[str]]] = json.loads((LOCALE / f"{name}.json").read_text("utf-8"))
    return found


def name_of(language_code: str) -> str:
    """Return how a language calls itself, e.g. `Deutsch`."""
    if language_code == ENGLISH:
        return "English"
    # Each catalogue translates this to the name of its own language.
    return catalogue(language_code).gettext(N_("English"))


def _texts() -> gettext.NullTranslations:
    ctx = get_script_run_ctx(suppress_warning=True)
    if ctx is None:  # outside of a page
        return catalogue(_here.spoken)
    if _here.ctx is not ctx:
        _here.texts, _here.ctx = catalogue(language()), ctx
    return _here.texts


def _of_browser() -> Any:
    return st.context.locale


def size_text(size_bytes: int) -> str:
    """Return a size in readable form, e.g. `1.2 MB`."""
    size, unit = float(size_bytes), N_("bytes")
    for larger in ("KB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{number(size, 0 if unit == 'bytes' or size >= 100 else 1)} {t(unit)}"
