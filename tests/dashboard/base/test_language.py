from __future__ import annotations

import gettext
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from dashboard.base.language import ENGLISH, LOCALE, N_, languages, name_of, number, script_texts, spoken, t, tc, tn
from dashboard.creating import words
from dashboard.pages import all_views
from dashboard.search_results import find
from engine.base.errors import InvalidInput, NotAllowed, UnknownName
from engine.copilot.wizard.sources import SOURCES
from engine.copilot.wizard.targets import TARGETS
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.catalogue import Text, compiled, of_scripts, problems, read, source, texts, updated

Open = Callable[..., AppTest]
LOCAL = Principal("local:grace", "owner")
OTHERS = [one for one in languages() if one != ENGLISH]
PLACES = {
    "workflow": {"name": "inbox-triage"},
    "prompt": {"name": "classify-mail"},
}
ALLOWED = {"At most", "Each mail", "English", "Tasks", "What is it?"}
"""The name of a language, and inputs and steps of workflows."""


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_in_the_code_is_translated_with_its_placeholders(language: str) -> None:
    assert problems(read(LOCALE / f"{language}.po")) == []


@pytest.mark.parametrize("language", OTHERS)
def test_make_catalogue_would_change_nothing(language: str) -> None:
    catalog = updated(read(LOCALE / f"{language}.po"))
    assert source(catalog).decode() == (LOCALE / f"{language}.po").read_text(encoding="utf-8")
    assert compiled(catalog) == (LOCALE / f"{language}.mo").read_bytes()
    assert of_scripts(catalog) == (LOCALE / f"{language}.json").read_text(encoding="utf-8")


def test_a_catalogue_with_a_fault_is_refused() -> None:
    catalog = read(LOCALE / "de.po")
    for faulty, form in (("{name} is saved.", "Gespeichert."), ("Save", "")):
        message = catalog.get(faulty)
        assert message is not None
        message.string = form
    message = catalog.get("Delete")
    assert message is not None
    message.flags.add("fuzzy")
    catalog.delete(("{count} run", "{count} runs"))
    assert sorted(problems(catalog)) == [
        "not translated: 'Delete'",
        "not translated: 'Save'",
        "not translated: '{count} run'",
        "placeholders of 'Gespeichert.' are not those of '{name} is saved.'",
    ]


def test_a_text_is_said_in_the_language_that_is_asked_for() -> None:
    run = ("{count} run", "{count} runs")
    assert (t("Save"), t("{name} is saved.", name="a{b}"), tn(*run, 1)) == ("Save", "a{b} is saved.", "1 run")
    with spoken("de"):
        assert (t("Save"), t("{name} is saved.", name="a{b}")) == ("Speichern", "a{b} ist gespeichert.")
        assert (tn(*run, 1), tn(*run, 1234), number(1234.56, 1)) == ("1 Lauf", "1.234 Läufe", "1.234,6")
        assert (t("Run"), tc("noun", "Run"), t("no text of ours"), t("")) == (
            "Ausführen",
            "Lauf",
            "no text of ours",
            "",
        )
        assert N_("Save") == "Save"
    with spoken("xx"):
        assert (t("Save"), number(1234.5, 1)) == ("Save", "1,234.5")
    assert [name_of(one) for one in ("en", "de")] == ["English", "Deutsch"]


@pytest.mark.parametrize("language", OTHERS)
def test_scripts_get_the_texts_of_their_own(language: str) -> None:
    written = json.loads((LOCALE / f"{language}.json").read_text(encoding="utf-8"))
    assert written["search"]["Searching …"]
    assert script_texts("search") == {}


def test_the_titles_of_the_wizard_and_what_it_asks_for_are_translated(orchestra: Orchestra) -> None:
    assert {one.title for one in SOURCES} | {one.title for one in TARGETS} == set(words.TITLES)
    offers = orchestra.copilot.wizard.offers(LOCAL)
    asked = {place.name for one in (*offers.sources, *offers.targets) for place in one.places}
    assert asked - {"columns"} == set(words.PLACES)


def test_the_search_finds_pages_by_the_words_of_the_language_and_by_the_english_ones(orchestra: Orchestra) -> None:
    with spoken("de"):
        for query in ("Auslöser", "Triggers"):
            found = [(one.title, one.kind, one.address) for one in find(orchestra, LOCAL, query)]
            assert ("Auslöser", "Seite", "/triggers") in found


def test_users_choose_their_own_language_and_owners_that_of_others(orchestra: Orchestra) -> None:
    orchestra.users.add(LOCAL, "ada", "Ada", "viewer")
    ada = Principal("ada", "viewer")
    orchestra.languages.set(ada, "ada", "de")
    assert orchestra.languages.get("ada") == "de"
    orchestra.languages.set(LOCAL, "ada", "")
    assert orchestra.languages.get("ada") == ""
    orchestra.languages.set(LOCAL, "ada", "de")
    with pytest.raises(NotAllowed):
        orchestra.languages.set(ada, "owner", "de")
    with pytest.raises(InvalidInput):
        orchestra.languages.set(ada, "ada", "../de")
    with pytest.raises(UnknownName):
        orchestra.languages.set(LOCAL, "nobody", "de")
    orchestra.users.remove(LOCAL, "ada")
    orchestra.users.add(LOCAL, "ada", "Ada", "viewer")
    assert orchestra.languages.get("ada") == ""


def test_a_choice_in_the_account_menu_changes_the_page_at_once(open_page: Open, orchestra: Orchestra) -> None:
    at = open_page("budgets")
    at.selectbox("language-choice").select("de").run()
    assert [one.value for one in at.title] == ["Budgets"]
    assert [one.label for one in at.metric] == ["Heute", "Dieser Monat"]
    assert orchestra.languages.get("owner") == "de"


@pytest.mark.parametrize("language", OTHERS)
def test_each_page_opens_and_shows_no_english_to_somebody_who_chose_another_language(
    language: str, open_page: Open, orchestra: Orchestra
) -> None:
    run_id = orchestra.runs.start(LOCAL, "inbox-triage", {"limit": 2})
    assert orchestra.runs.wait(LOCAL, run_id, 60)["status"] == "succeeded"
    orchestra.languages.set(LOCAL, "owner", language)
    english, left = _english(language), {}
    for view in all_views():
        params = {"run": {"id": run_id}, **PLACES}.get(view.page.path, {})
        at = open_page(view.page.path, **params)
        assert not at.exception, view.page.path
        assert len(at.title) == 1 or not view.page.in_menu, view.page.path
        shown = {_as_read(text) for text in _strings(at)}
        found = {text for text in shown - ALLOWED if any(one.fullmatch(text) for one in english)}
        if found:
            left[view.page.path] = found
    assert left == {}, left


def _english(language: str) -> list[re.Pattern[str]]:
    """Return a pattern for each English text that is not the same in the language."""
    with (LOCALE / f"{language}.mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    found = []
    for text in texts():
        for form in filter(None, (text.one, text.many)):
            if re.search(r"[A-Z]| ", form) and re.search(r"[A-Za-z]{3}", form) and not _is_same(catalogue, text):
                parts = re.split(r"\{\w+\}", _as_read(form.replace("{{", "{").replace("}}", "}")))
                if len(parts) == 1 or len(re.findall("[a-z]", "".join(parts))) > 12:
                    found.append(re.compile(".+?".join(map(re.escape, parts))))
    return found


def _is_same(catalogue: gettext.GNUTranslations, text: Text) -> bool:
    return (
        catalogue.gettext(text.one) == text.one
        if not text.many
        else catalogue.ngettext(text.one, text.many, 1) == text.one
    )


def _strings(at: AppTest) -> Iterator[str]:
    """Yield what the elements of a page say."""
    for element in at:
        proto = getattr(element, "proto", None)
        if isinstance(proto, Message):
            yield from _strings_in(proto)


def _strings_in(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        values: list[Any] = list(value) if field.is_repeated else [value]
        for one in values:
            if isinstance(one, Message):
                yield from _strings_in(one)
            elif isinstance(one, str) and field.name not in ("id", "key"):
                yield from one.split(" · ")


def _as_read(text: str) -> str:
    """Return a text without the marks of Markdown that show it literally."""
    return re.sub(r":color\[\]|\\", "", text).strip()
