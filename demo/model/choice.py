"""How the demo model chooses an enum value, or yes or no, by cue words; "unsure" if there are too few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demo.model.cues import CLEAR, QUESTION, strengths, weigh
from demo.model.document import Document, short, words_of

# Words in the name of an enum value, or of a yes/no field, and the concept that they stand for.
NAMES: Mapping[str, str] = {
    "unsure": "unsure unknown unclear uncertain undecided maybe review manual other",
    "quiet": "nothing none noise ignore archive newsletter spam fyi info irrelevant skip marketing automatic",
    "problem": "bug bugs defect error incident problem fault failure crash broken",
    "asks": "answer answered reply replied response respond",
    "request": "task tasks todo action request work job followup sales lead support feature question inquiry",
    "middle": "medium normal moderate default",
}
YES, NO = {"yes", "true"}, {"no", "false"}
# One clear cue or two faint ones, in a text long enough to be meaningful.
ENOUGH = 2
FEWEST_WORDS = 4


def choose(values: Sequence[str], document: Document, about: str = "") -> str | None:
    """Return the value that the document supports; "unsure" or similar if it supports none, or two equally.

    `about` is the name and description of the field. None if nothing fits and no value means "unsure".
    """
    concepts = {value: concept_of(value) for value in values}
    doubt = next((value for value in values if concepts[value] == "unsure"), None)
    words = {value.casefold(): value for value in values}
    if YES & words.keys() and NO & words.keys():
        verdict = is_so(about, document)
        if verdict is None and doubt is not None:
            return doubt
        return next(words[word] for word in words if word in (YES if verdict else NO))
    return _by_score(concepts, document) or doubt


def is_so(about: str, document: Document) -> bool | None:
    """Return whether the document is what a field's name ("needs_answer") says; None if unknown."""
    concept = concept_of(about)
    if concept == "asks":
        return needs_answer(document)
    found = strengths(document).get(concept)
    return None if found is None or document.word_count < FEWEST_WORDS else found >= ENOUGH


def needs_answer(document: Document) -> bool:
    """Return whether the sender asks something of the recipient; a mass mail asks nobody."""
    return bool(asked_in(document)) and strengths(document)["quiet"] < CLEAR


def asked_in(document: Document) -> list[str]:
    """Return up to three sentences of the mail, verbatim, that ask for something."""
    return [short(each, 240) for each in document.sentences if QUESTION.search(each) or weigh("asks", each)][:3]


def concept_of(name: str) -> str:
    """Return the concept that the words of a name stand for, or ""."""
    words = set(words_of(name))
    return next((concept for concept, known in NAMES.items() if words & set(known.split())), "")


def _by_score(concepts: Mapping[str, str], document: Document) -> str | None:
    """Return the best value, if it has enough cues and a higher score than the next."""
    scores = strengths(document)
    said = set(words_of(f"{document.subject} {document.own_text}"))

    def score(value: str) -> int:
        # "Nothing happens" does not mean that there is nothing to do.
        own = 0 if concepts[value] == "quiet" else sum(word in said for word in words_of(value) if len(word) > 3)
        return scores.get(concepts[value], 0) + CLEAR * own

    ranked = sorted(((score(value), value) for value in concepts if concepts[value] != "unsure"), reverse=True)
    if not ranked or ranked[0][0] < ENOUGH or document.word_count < FEWEST_WORDS:
        return None
    is_tie = len(ranked) > 1 and ranked[1][0] == ranked[0][0]
    return None if is_tie else ranked[0][1]
