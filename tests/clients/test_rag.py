"""Collections of documents: passages keep their place, what is deleted is gone, and questions are no syntax."""

from __future__ import annotations

import math
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.client import Opening
from clients.errors import InvalidRequest, NotFound, WriteRefused
from clients.rag.client import RagClient
from clients.rag.passages import MOST, passages
from clients.rag.records import Document, Embedding
from clients.rag.service import RagSettings
from clients.rag.vectors import packed
from clients.reads_only import reads_only

MANUAL = """# Espresso machine

## Cleaning
Rinse the brew group with hot water after each day. Descale the boiler every three months with citric acid.

## Warranty
The warranty lasts two years. It does not cover limescale.
"""
LEASE = (
    "Kündigung: Die Wohnung kann mit einer Frist von drei Monaten gekündigt werden.\n\nDie Miete ist am Ersten fällig."
)
MENU = "本日のおすすめは焼き魚定食です。\n\n営業時間は午前十時から午後九時までです。"

ALL = ["manual.md", "lease", "menu"]
SMALL = Embedding("llm", "localhost", "small")


def collections(folder: Path) -> RagClient:
    return RagClient.open(RagSettings(), Opening(shared_folder=folder))


@pytest.fixture
def here(tmp_path: Path) -> RagClient:
    client = collections(tmp_path)
    documents = [Document("manual.md", MANUAL, "Manual"), Document("lease", LEASE), Document("menu", MENU)]
    assert client.index("home", documents) == (3, 0)
    return client


@pytest.mark.parametrize(
    ("question", "document", "words"),
    [
        ("How often do I have to descale it?", "manual.md", "every three months"),
        ("Does the WARRANTY cover limescale?", "manual.md", "two years"),
        ("Wann muss ich die Miete zahlen?", "lease", "am Ersten"),
        ("kuendigung oder Kündigungsfrist gekündigt", "lease", "drei Monaten"),
        ("Kündigungen", "lease", "drei Monaten"),
        ("Mieten", "lease", "am Ersten"),
        ("営業時間", "menu", "午前十時"),
    ],
)
def test_a_question_finds_the_passage_that_answers_it(
    here: RagClient, question: str, document: str, words: str
) -> None:
    best = here.search("home", question, 3)[0]
    assert best.document == document
    assert words in best.text


def test_every_word_of_a_very_long_question_is_looked_for(here: RagClient) -> None:
    here.index("tea", [Document("tea", "Ask for oolong."), Document("cup", "An unbreakable cup.")])
    others = " ".join(f"otherword{number}" for number in range(300))
    assert [one.document for one in here.search("tea", f"{others} oolong", 5)] == ["tea"]
    assert [one.document for one in here.search("tea", f"{others} oolong unbreakable-unbreakable", 5)] == ["cup"]


def test_words_with_sharp_s_are_found_in_both_spellings(here: RagClient) -> None:
    here.index("roads", [Document("de", "Die Straße ist gesperrt."), Document("ch", "Die Strasse in Bern.")])
    for question in ("Straße", "Strasse", "STRASSEN"):
        assert {one.document for one in here.search("roads", question, 5)} == {"de", "ch"}, question


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("the of\ufb01ce is open", "office"),
        ("the office is open", "of\ufb01ce"),
        ("\uff29\uff2e\uff36\uff0d\uff11\uff12 is paid", "INV"),
        ("INV-12 is paid", "\uff29\uff2e\uff36"),
        ("\uff76\uff9e\uff72\uff84\uff9e\uff8c\uff9e\uff6f\uff78", "\u30ac\u30a4\u30c9\u30d6\u30c3\u30af"),
        ("\u30ac\u30a4\u30c9\u30d6\u30c3\u30af", "\uff76\uff9e\uff72\uff84\uff9e"),
        ("40 m\u00b2 of floor", "m\u00b2"),
    ],
)
def test_other_forms_of_letters_are_found_by_their_plain_ones(here: RagClient, text: str, question: str) -> None:
    here.index("home", [Document("forms", text)])
    found = here.search("home", question, 1)
    assert [hit.document for hit in found] == ["forms"]


def test_a_passage_says_where_it_stands(here: RagClient) -> None:
    best = here.search("home", "warranty", 1)[0]
    assert MANUAL[best.start : best.end] == best.text
    assert best.headings == "Manual > Espresso machine > Warranty"
    here.index("paged", [Document("pdf", "first page\n\nsecond page, tea", page_starts=((4, 0), (5, 12)))])
    assert [one.page for one in here.search("paged", "tea", 1)] == [4], "a passage belongs to the page where it begins"


def test_documents_that_have_not_changed_are_left_alone_and_others_replaced(here: RagClient) -> None:
    assert here.index("home", [Document("lease", LEASE), Document("menu", "Coffee only")]) == (1, 1)
    assert here.search("home", "焼き魚定食", 5) == []
    assert {one.id: one.passages for one in here.documents("home")} == {"lease": 1, "manual.md": 3, "menu": 1}
    assert [(one.name, one.documents, one.passages) for one in here.collections()] == [("home", 3, 5)]


def test_nothing_of_a_deleted_document_is_left_in_the_file(here: RagClient, tmp_path: Path) -> None:
    here.index("home", [Document("secret", "The code of the safe is xylophonequartz9731.", "Safecodes")])
    [path] = tmp_path.glob("*.db")
    assert b"xylophonequartz9731" in path.read_bytes()
    assert here.delete("home", ["secret", "unknown"]) == 1
    left = path.read_bytes().lower()
    for word in (b"xylophonequartz", b"safecode", b"quartz9731"):
        assert word not in left


@pytest.mark.parametrize(
    "question", ['"', "a AND", "NOT (", "text:x", "*", "", "-- ;", "NEAR(a b)", "\x00", "a" * 9_000]
)
def test_a_question_is_never_syntax(here: RagClient, question: str) -> None:
    assert isinstance(here.search("home", question, 5), list)


def test_what_cannot_be_is_refused_and_nothing_is_written_in_a_plan(here: RagClient) -> None:
    for name in ("../home", "Home", ""):
        with pytest.raises(InvalidRequest, match="cannot be the name"):
            here.search(name, "x", 1)
    with pytest.raises(NotFound, match="no collection 'hme'"):
        here.search("hme", "x", 1)
    with pytest.raises(InvalidRequest, match="id of a document"):
        here.index("home", [Document("", "text")])
    with reads_only():
        assert here.search("home", "warranty", 1)
        for write in (lambda: here.index("home", [Document("a", "b")]), lambda: here.delete("home", ["lease"])):
            with pytest.raises(WriteRefused):
                write()


@given(st.text(st.sampled_from("aB 字.\n# -") | st.characters(codec="utf-8"), max_size=6_000))
def test_passages_cover_all_of_a_text_in_order_and_are_never_long(text: str) -> None:
    found = list(passages(text))
    covered = "".join(text[one.start : one.end] for one in found)
    assert "".join(covered.split()) == "".join(text.split())
    assert all(one.end <= after.start for one, after in pairwise(found))
    assert all(0 < one.end - one.start <= MOST * 2 for one in found)


def test_vectors_find_what_other_words_say_and_are_made_once(here: RagClient, tmp_path: Path) -> None:
    waiting = here.without_vectors("home", ALL, 100)
    assert len(waiting) == 5
    vectors = [[3.0, 0.1 * one.number, 0.0] for one in waiting]
    vectors[[("Miete" in one.text) for one in waiting].index(True)] = [0.0, 0.0, 2.0]
    here.keep_vectors("home", SMALL, waiting, vectors)
    assert here.without_vectors("home", ALL, 100) == []
    assert here.search("home", "rent deadline", 5) == []
    assert here.search("home", "rent deadline", 5, [0.0, 0.1, 9.0])[0].document == "lease"
    shown = here.collection("home")
    assert (shown.model, shown.connection, shown.dimensions, shown.vectors) == ("small", "llm", 3, 5)
    here.index("home", [Document("manual.md", MANUAL.replace("two years", "three years"), "Manual")])
    assert len(here.without_vectors("home", ALL, 100)) == 1, "unchanged passages keep their vectors"
    [path] = tmp_path.glob("*.db")
    kept = packed([0.0, 0.0, 2.0])
    assert kept in path.read_bytes()
    here.delete("home", ["lease"])
    assert kept not in path.read_bytes()


@pytest.mark.parametrize(("model", "vector"), [("large", [1.0, 0.0]), ("small", [1.0])])
def test_vectors_of_two_models_are_not_mixed(here: RagClient, model: str, vector: list[float]) -> None:
    first, second, *_ = here.without_vectors("home", ALL, 100)
    here.keep_vectors("home", SMALL, [first], [[1.0, 0.0]])
    with pytest.raises(InvalidRequest, match="cannot be compared"):
        here.keep_vectors("home", Embedding("llm", "localhost", model), [second], [vector])
    here.forget_vectors("home")
    here.keep_vectors("home", Embedding("llm", "localhost", model), [second], [vector])


def test_with_and_without_numpy_the_same_is_nearest(here: RagClient, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = here.without_vectors("home", ALL, 100)
    here.keep_vectors("home", SMALL, waiting, [[math.cos(one.number), math.sin(one.number)] for one in waiting])
    found = here.search("home", "zzz", 5, [0.3, 0.7])
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert here.search("home", "zzz", 5, [0.3, 0.7]) == found
