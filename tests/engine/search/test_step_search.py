from __future__ import annotations

from collections.abc import Iterable

import pytest

from engine.base.services import service_of
from engine.plugins.step_info import step_type_infos
from engine.search.step_search import StepSearch, StepWords
from tests.engine.search.sentences import HELD_OUT, TUNED


def _words() -> Iterable[StepWords]:
    for one in step_type_infos():
        service = service_of(one.service)
        yield StepWords(one.name, one.title, one.description, service.title if service is not None else "")


SEARCH = StepSearch(tuple(_words()))


def _wrong(sentences: Iterable[tuple[str, str]]) -> list[str]:
    return [said for said, right in sentences if not set(right.split()) & set(SEARCH.fitting(said)[:3])]


def test_what_a_step_should_do_finds_its_type_among_the_first_three() -> None:
    assert _wrong(TUNED) == []
    assert _wrong(HELD_OUT) == []


@pytest.mark.parametrize("one", SEARCH.types, ids=lambda one: one.name)
def test_a_type_is_found_by_its_name_and_its_title(one: StepWords) -> None:
    assert SEARCH.fitting(one.name)[0] == one.name
    same = {other.name for other in SEARCH.types if other.title == one.title}
    assert SEARCH.fitting(one.title.upper())[0] in same
    assert one.name in SEARCH.fitting(f"{one.service} {one.title}")[:4]


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("sla", "slack"),
        ("gith", "github"),
        ("google cal", "google_calendar"),
        ("Archive mailbox", "imap.archive"),
        ("Google-Kalendereintrag", "google_calendar"),
    ],
)
def test_a_word_that_is_only_begun_is_found(said: str, first: str) -> None:
    assert SEARCH.fitting(said)[0].startswith(first)


@pytest.mark.parametrize("said", ["", "   ", "…", "xyzzy", "🙂", "a" * 10_000])
def test_words_that_mean_nothing_find_nothing(said: str) -> None:
    assert SEARCH.fitting(said) == []


def test_little_fits_a_precise_request() -> None:
    assert len(SEARCH.fitting("post a message to a Slack channel")) < 8
