"""Which texts fit the words of a question best: Okapi BM25 (Robertson and Zaragoza, 2009), without endings."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

_K1, _B = 1.2, 0.75  # usual values of BM25 (1.2 to 2, and 0.75)
_WORD = re.compile(r"[^\W_]+")
_WITHOUT_SPACES = re.compile(r"[\u30a1-\u30ff\u3400-\u9fff]+")
"""Runs of Chinese characters and katakana, without spaces: each two count as a word. Hiragana is grammar."""
_ENDINGS = ("ings", "ing", "ies", "ied", "es", "ed", "er", "en", "s", "e", "y")
_SHORTEST = 3
_SYNONYMS = (
    "mail email inbox message gmail imap post nachricht",
    "issue bug ticket fehler",
    "task todo aufgabe notion",
    "answer reply respond draft antwort entwurf",
    "money cost price budget dollar kosten geld preis",
    "trigger schedule cron automatic automatically morning daily every zeitplan morgens",
    "key token password secret credential schlüssel passwort geheimnis",
    "undo revert back rückgängig",
    "crash kill power outage restart absturz",
    "twice duplicate double again doppelt zweimal",
    "approve approval confirm permission freigabe erlauben",
    "model llm openai anthropic gemini gpt claude ai modell",
    "document pdf word excel attachment dokument datei anhang",
    "database sql postgres mysql table datenbank tabelle",
    "server deploy docker kubernetes production betrieb",
    "worker scale many machines cluster skalieren",
    "team user role people colleague benutzer rolle",
    "error failure fail broken problem wrong fehlschlag",
    "test try dry rehearse demo probieren",
    "copy duplicate export import backup sichern",
    "chat slack telegram discord",
    "calendar meeting appointment termin kalender",
    "sheet spreadsheet csv tabelle",
    "code python javascript shell program programm",
    "agent assistant tool werkzeug",
    "version history label versionen verlauf",
    "loop foreach repeat each jede wiederholen",
    "condition if only wenn bedingung",
    "wait delay pause warten",
    "link url address webhook adresse",
    "send tell notify announce warn post schick",
    "summary summarize summed digest zusammenfassung",
    "file write save export datei",
)
_UNTOLD = frozenset(
    "the and for with that this from into what which how does can you are was were has have not but who why when where "
    "my your its our their them they will would should could may there here than then also just about please want need "
    "der die das und ein eine ist wie was wer ich mich mir kann man nicht mit auf aus bei von für zu den dem des"
    "".split()
)


def terms(text: str) -> list[str]:
    """Return the words of a text without their endings; words that say nothing are left out."""
    words = (word.casefold() for word in _WORD.findall(text))
    found = [_stem(word) for word in words if len(word) >= _SHORTEST and word not in _UNTOLD]
    return [*found, *(run[place : place + 2] for run in _WITHOUT_SPACES.findall(text) for place in range(len(run) - 1))]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word[: -len(ending)]
    return word


def _meanings() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _SYNONYMS:
        group = {_stem(word) for word in line.split()}
        for word in group:
            found.setdefault(word, set()).update(group)
    return {word: frozenset(group) for word, group in found.items()}


_MEANINGS = _meanings()
_MEANING_COUNTS = 0.4
"""How much a word with the same meaning counts, as a share of the word itself."""


class TextIndex(Struct, frozen=True, dict=True):
    """Texts that can be ranked; `titles` count three times."""

    titles: Sequence[str]
    texts: Sequence[str]

    @cached_property
    def _counts(self) -> list[Counter[str]]:
        pairs = zip(self.titles, self.texts, strict=True)
        return [Counter(terms(title) * 3 + terms(text)) for title, text in pairs]

    @cached_property
    def _found_in(self) -> Counter[str]:
        return Counter(term for counts in self._counts for term in counts)

    def best(self, query: str, most: int) -> list[tuple[int, float]]:
        """Return (place, score) of the texts that fit best, the best first; [] without a word in common."""
        wanted = _weights(terms(query))
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


def _weights(words: Iterable[str]) -> dict[str, float]:
    """Return the words to look for, with others of the same meaning, and how much each counts."""
    weights: dict[str, float] = {}
    for word in words:
        for other in _MEANINGS.get(word, ()):
            weights.setdefault(other, _MEANING_COUNTS)
        weights[word] = 1.0
    return weights
