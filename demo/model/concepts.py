"""What a mail is about, by cue words: it chooses an enum value, or yes or no; "unsure" if there are too few."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from demo.model.document import REPLY_PREFIX, PromptDocument, short, words_of

CLEAR = 3
# One clear cue or two faint ones, in a text long enough to be meaningful.
ENOUGH = 2
FEWEST_WORDS = 4
STEM = 6
TOPIC = re.compile(r"\b(?:about|for|of|on|regarding|für|um|über|wegen|von|zu[rm]?|de|pour|sur)\b(.+)")
"""In the words of a value: what it is about, as in "a request for a refund"."""
QUESTION = re.compile(r"[?？؟](?=\s|$|[»\"])")


@dataclass(frozen=True)
class Concept:
    """A meaning: the words for it in names of fields and of enum values, and its cues in mails.

    Cues are whole words: "*" matches any letters, "/" separates alternatives, and "don't" and "cannot" are read as
    "do not" and "can not". Cues in other languages are there as far as the sample mailbox needs them.
    """

    names: str
    clear: str = ""
    faint: str = ""

    def weigh(self, text: str) -> int:
        """Return 3 for each different clear cue in the text, plus 1 for each faint one."""
        plain = " ".join(text.replace("’", "'").casefold().split())
        plain = plain.replace("can't", "can not").replace("cannot", "can not").replace("n't", " not")
        clear, faint = (len(set(_pattern_of(cues).findall(plain))) for cues in (self.clear, self.faint))
        return CLEAR * clear + faint


@lru_cache
def _pattern_of(cues: str) -> re.Pattern[str]:
    known = [[f"(?:{word.replace('/', '|')})" for word in cue.split()] for cue in cues.split(",")]
    # Longest first, so that "not open" is preferred to "not".
    one = "|".join(" ".join(words) for words in sorted(known, key=len, reverse=True) if words)
    # "(?!)" matches nothing: an empty list of cues would match everywhere.
    return re.compile(r"(?<!\w)(?:WORDS)(?!\w)".replace("WORDS", one.replace("*", r"\w*") or "(?!)"))


def _concepts(text: str) -> Iterator[tuple[str, Concept]]:
    for each in text.split("\n\n"):
        (name, names), *cues = (part.split(": ", 1) for part in re.split(r"\n(?=clear: |faint: )", each.strip()))
        yield name, Concept(names, **dict(cues))


CONCEPTS = dict(_concepts(Path(__file__).with_name("cues.txt").read_text(encoding="utf-8")))


_MEANINGS = Path(__file__).with_name("meanings.txt").read_text(encoding="utf-8").splitlines()
_BEGINNINGS = {word: number for number, group in enumerate(_MEANINGS) for word in group.split()}
"""Beginnings of words in English, German and French, and the number of their meaning."""


def meanings_of(word: str) -> list[int]:
    """Return the numbers of the meanings of a word in lower case."""
    return [number for known, number in _BEGINNINGS.items() if word.startswith(known)]


def concept_of(name: str) -> str:
    """Return the concept that the words of a name stand for, or ""."""
    words = set(words_of(name))
    return next((concept for concept, known in CONCEPTS.items() if words & set(known.names.split())), "")


@lru_cache(maxsize=64)
def strengths(document: PromptDocument) -> Mapping[str, int]:
    """Return how strongly the document supports each concept that has cues; nothing for a text of few words.

    The subject counts extra.
    """
    if len(words_of(document.own_text)) < FEWEST_WORDS:
        return {}
    subject = "" if REPLY_PREFIX.match(document.subject) else document.subject  # of the earlier mail
    known = [(name, concept) for name, concept in CONCEPTS.items() if concept.clear]
    found = {name: concept.weigh(subject) + concept.weigh(document.own_text) for name, concept in known}
    found["request"] += 2 * min(2, len(QUESTION.findall(document.own_text)))
    # Newsletters contain invitations and mention problems; problem reports contain polite requests.
    for louder, others in (("quiet", ("request", "problem")), ("problem", ("request",))):
        if found[louder] >= CLEAR:
            found.update({other: found[other] // 2 for other in others})
    return found


def asked_in(document: PromptDocument) -> list[str]:
    """Return up to three sentences of the mail, verbatim, that ask for something."""
    asking = CONCEPTS["asks"]
    return [short(each, 240) for each in document.sentences if QUESTION.search(each) or asking.weigh(each)][:3]


def needs_answer(document: PromptDocument) -> bool:
    """Return whether the sender asks something of the recipient; a mass mail asks nobody."""
    return bool(asked_in(document)) and strengths(document).get("quiet", 0) < CLEAR


def choose(values: Sequence[Any], document: PromptDocument, about: str = "") -> Any:
    """Return the value that the document supports; if it supports none, or two equally, "unsure" or similar.

    `about` is the name and description of the field. If no value means "unsure": None if it is
    allowed, otherwise the value that commits to least.
    """
    texts = [value for value in values if isinstance(value, str)]
    meant: dict[str | None, Any] = {None: None} if None in values else {}
    meant |= {concept_of(value): value for value in reversed(texts)}
    verdict = is_so(about, document) if {"yes", "no"} <= meant.keys() else None
    scores = {value: _score(value, document) for value in texts if concept_of(value) != "unsure"}
    best = [value for value, score in scores.items() if ENOUGH <= score == max(scores.values())]
    if verdict is not None:
        return meant["yes" if verdict else "no"]
    if len(best) == 1:
        return best[0]
    least = (meant[concept] for concept in ("unsure", None, "quiet", "middle", "no") if concept in meant)
    return next(least, values[0])


def is_so(about: str, document: PromptDocument) -> bool | None:
    """Return whether the document is what a field's name ("needs_answer") says; None if unknown."""
    concept = concept_of(about)
    found = strengths(document).get(concept)
    return needs_answer(document) if concept == "asks" else None if found is None else found >= ENOUGH


def _score(value: str, document: PromptDocument) -> int:
    """Return how strongly the document supports a value, by the cues of its concept and by its own words.

    Of "a request for a refund", the document must ask for something, and speak of a refund.
    """
    concept, said = concept_of(value), words_of(f"{document.subject} {document.own_text}")
    found = TOPIC.search(value.casefold())
    topic = [] if found is None else [word for word in words_of(found[1]) if len(word) > 3]
    if topic and (about := concept_of(found[1] if found else "")):
        concept = about
    elif topic and not any(_is_said(word, said) for word in topic):
        return 0
    strength = strengths(document).get(concept, 0)
    if topic and concept and strength <= strengths(document).get("quiet", 0):
        return 0
    # "Nothing happens" does not mean that there is nothing to do.
    own = 0 if concept == "quiet" else sum(word in said for word in words_of(value) if len(word) > 3)
    if not own and not concept:
        own = sum(_is_said(word, said) for word in words_of(value) if len(word) > 3)
    return strength + CLEAR * own


def _is_said(word: str, said: Sequence[str]) -> bool:
    """Return whether one of the words begins like this one, or means the same."""
    meant = set(meanings_of(word))
    return any(one.startswith(word[:STEM]) or not meant.isdisjoint(meanings_of(one)) for one in said)
