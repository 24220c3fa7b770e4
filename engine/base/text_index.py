"""Which texts fit the words of a question best: Okapi BM25 (Robertson and Zaragoza, 2009), without endings."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

_K1, _B = 1.2, 0.75  # usual values of BM25 (1.2 to 2, and 0.75)
_WORD = re.compile(r"[^\W_]+")
_WITHOUT_SPACES = re.compile(r"[\u30a1-\u30ff\u3400-\u9fff]+")
"""Runs of Chinese characters and katakana, without spaces: each two count as a word. Hiragana is grammar."""
_ENDINGS = ("ings", "ing", "ies", "ied", "es", "ed", "er", "en", "s", "e", "y")
_SHORTEST = 3
_UNTOLD = frozenset(
    "the and for with that this from into what which how does can you are was were has have not but who why when where "
    "my your its our their them they will would should could may there here than then also just about please want need "
    "der die das und ein eine ist wie was wer ich mich mir kann man nicht mit auf aus bei von für zu den dem des"
    "".split()
)


def terms(text: str) -> list[str]:
    """Return the words of a text without their endings; words that say nothing are left out."""
    words = (word.casefold() for word in _WORD.findall(text))
    found = [stem(word) for word in words if len(word) >= _SHORTEST and word not in _UNTOLD]
    return [*found, *(run[place : place + 2] for run in _WITHOUT_SPACES.findall(text) for place in range(len(run) - 1))]


def stem(word: str) -> str:
    """Return a word without its ending."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word[: -len(ending)]
    return word


_MEANING_COUNTS = 0.4
"""How much a word with the same meaning counts, as a share of the word itself."""


class TextIndex(Struct, frozen=True, dict=True):
    """Texts that can be ranked; `titles` count three times."""

    titles: Sequence[str]
    texts: Sequence[str]
    meanings: Mapping[str, Collection[str]] = {}
    """Words without their endings that a word also stands for; empty: only the words of the question are looked for."""

    @cached_property
    def _counts(self) -> list[Counter[str]]:
        pairs = zip(self.titles, self.texts, strict=True)
        return [Counter(terms(title) * 3 + terms(text)) for title, text in pairs]

    @cached_property
    def _found_in(self) -> Counter[str]:
        return Counter(term for counts in self._counts for term in counts)

    def best(self, query: str, most: int) -> list[tuple[int, float]]:
        """Return (place, score) of the texts that fit best, the best first; [] without a word in common."""
        wanted = _weights(terms(query), self.meanings)
        average = sum(counts.total() for counts in self._counts) / max(len(self._counts), 1) or 1.0  # none has a word
        scored = [(place, self._score(counts, wanted, average)) for place, counts in enumerate(self._counts)]
        return sorted((one for one in scored if one[1] > 0), key=lambda one: (-one[1], one[0]))[:most]

    def _score(self, counts: Counter[str], wanted: Mapping[str, float], average: float) -> float:
        length = _K1 * (1 - _B + _B * counts.total() / average)
        return sum(
            weight * self._rarity(term) * counts[term] * (_K1 + 1) / (counts[term] + length)
            for term, weight in wanted.items()
            if term in counts
        )

    def _rarity(self, term: str) -> float:
        found = self._found_in[term]
        return math.log(1 + (len(self._counts) - found + 0.5) / (found + 0.5))


def _weights(words: Iterable[str], meanings: Mapping[str, Collection[str]]) -> dict[str, float]:
    """Return the words to look for, with others of the same meaning, and how much each counts."""
    weights: dict[str, float] = {}
    for word in words:
        for other in meanings.get(word, ()):
            weights.setdefault(other, _MEANING_COUNTS)
        weights[word] = 1.0
    return weights
