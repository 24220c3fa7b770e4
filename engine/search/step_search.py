"""Which step types fit what a person says a step should do: "post a summary to Slack", "eine Antwort senden"."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache

from msgspec import Struct

from engine.search.step_words import ADDING, ALSO, FILLERS, SAME, STEP

LONGEST_REQUEST = 400
_WORD = re.compile(r"[^\W_]+")
_ENDINGS = ("ungen", "ung", "ings", "ing", "ies", "ern", "es", "ed", "er", "en", "em", "et", "s", "e", "y", "n", "t")
"""Endings of English and German words, the longer ones first."""
_SHORTEST_STEM = 3
_SHORTEST_PART = 4
_TITLE, _SERVICE, _NAME, _ALSO, _TEXT = 3.0, 3.0, 2.0, 1.5, 0.6
"""How much a word counts, by where it is."""
_SAME_COUNTS, _BEGINNING_COUNTS = 0.8, 0.7
"""How much a synonym counts, and a word that only begins like it, as a share of the word itself."""
_LEAST = 0.35
"""The share of the best score below which a step type is left out."""


class StepWords(Struct, frozen=True):
    """What a step type is found by; `service` is the title of its service, "" without a service."""

    name: str
    title: str
    description: str
    service: str = ""

    @property
    def called(self) -> tuple[str, str]:
        """Its name and title, as they are compared."""
        return self.name.casefold(), self.title.casefold()


class StepSearch(Struct, frozen=True, dict=True):
    """The step types to search."""

    types: Sequence[StepWords]

    def fitting(self, request: str) -> list[str]:
        """Return the names of the step types that fit the words of a request, the best first; [] without words.

        One that has the request as its name or its title is always first.
        """
        said = " ".join(request.casefold().split())
        wanted = self._wanted(request[:LONGEST_REQUEST])
        scores = [(self._score(place, wanted), one) for place, one in enumerate(self.types)]
        best = max((score for score, _ in scores), default=0.0)
        fitting = [(score, one) for score, one in scores if score > 0 and score >= best * _LEAST]
        order = sorted(
            fitting, key=lambda pair: (said not in pair[1].called, -pair[0], len(pair[1].title), pair[1].name)
        )
        return [one.name for _, one in order]

    @cached_property
    def _weights(self) -> list[dict[str, float]]:
        """The words of each step type, with how much each counts: rare ones count more."""
        found = [_weights_of(one) for one in self.types]
        known_in = Counter(word for weights in found for word in weights)
        rarity = {word: math.log(1 + len(found) / (count + 1)) for word, count in known_in.items()}
        return [{word: weight * rarity[word] for word, weight in weights.items()} for weights in found]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(word for weights in self._weights for word in weights)

    def _wanted(self, request: str) -> list[dict[str, float]]:
        """Return the meanings of each word that says something, with how much each counts."""
        words = list(dict.fromkeys(_words(request)))
        fillers = FILLERS | ADDING if not STEP.isdisjoint(words) else FILLERS
        return [self._meanings(word) for word in [one for one in words if one not in fillers] or words]

    def _meanings(self, word: str) -> dict[str, float]:
        stem = _stem(word)
        same = _MEANINGS.get(stem) or {other for part in _parts(word) for other in _MEANINGS[part]}
        found = {**dict.fromkeys(sorted(same), _SAME_COUNTS), stem: 1.0}
        if self._known.isdisjoint(found):
            found.update((one, _BEGINNING_COUNTS) for one in self._known if one.startswith((stem, word)))
        return found

    def _score(self, place: int, wanted: Sequence[Mapping[str, float]]) -> float:
        """Return the sum of the best meaning of each word of a request, scaled by the share of the words that fit."""
        weights = self._weights[place]
        found = [max((weights.get(one, 0.0) * part for one, part in meanings.items())) for meanings in wanted]
        return sum(found) * sum(one > 0 for one in found) / len(found) if found else 0.0


@lru_cache(maxsize=2)
def step_search(types: tuple[StepWords, ...]) -> StepSearch:
    """Return the search among step types, the same one for the same types."""
    return StepSearch(types)


def _weights_of(one: StepWords) -> dict[str, float]:
    """Return the words of a step type, with how much each counts."""
    found: dict[str, float] = {}
    parts = (
        (one.title, _TITLE),
        (one.service, _SERVICE),
        (one.name, _NAME),
        (ALSO.get(one.name, ""), _ALSO),
        (one.description, _TEXT),
    )
    for text, weight in parts:
        for word in _stems(text):
            found[word] = found.get(word, 0.0) + weight
    return found


def _parts(word: str) -> Iterable[str]:
    """Return the known words at the ends of a compound, such as `Kalendereintrag`."""
    return (one for one in _MEANINGS if len(one) >= _SHORTEST_PART and (word.startswith(one) or word.endswith(one)))


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in _words(text) if word not in FILLERS}


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return _stem(word[: -len(ending)])
    return word


def _all_meanings() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in SAME:
        group = {_stem(word.casefold()) for word in line.split()}
        for word in group:
            found.setdefault(word, set()).update(group)
    return found


_MEANINGS = _all_meanings()
