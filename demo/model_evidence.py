"""How strongly a document speaks for a problem, a request, or nothing to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from demo.model_text import Document
from demo.model_words import EVIDENCE

THANKS = re.compile(
    r"^\W*(?:thank(?! you in advance)|thanks(?! in advance)|many thanks|danke(?! im voraus)|vielen dank"
    r"|merci(?! de| d['’]avance)|gracias|grazie|спасибо|شكرا|ありがとう|obrigad)",
    re.IGNORECASE,
)
STACK_LINE = re.compile(
    r"^\s*at\s+\S+\(.*\)|^\s*File \".*\", line \d+|\b\w+(?:Error|Exception)\b|\b0x[0-9a-fA-F]{6,}\b"
    r"|\b(?:HTTP|Error|Erreur|Fehler|POST|GET|status|returns?)\b.{0,40}\b(?:40[013459]|4[12]\d|50[0-4])\b"
    r"|^\s*(?:ERROR|FATAL|CRITICAL)\b|^[\w.]+\.[A-Z]\w+: ",
    re.MULTILINE,
)
ANSWER = re.compile(r"^\s*(?:re|aw|sv|antw)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE)
QUESTION = re.compile(r"[?？؟](?=\s|$|»|\")")
NO_SPACES = re.compile(r"[぀-ヿ一-鿿가-힯]")
CAP = 14.0
THIN = 2.0


@lru_cache(maxsize=64)
def strengths(document: Document) -> Mapping[str, float]:
    """How strongly the document speaks for each concept, 0 to 14; the subject counts on top of the text.

    The subject of an answer was written for an earlier mail: it counts by half.
    """
    share = 0.5 if ANSWER.match(document.subject) else 1.0
    scores = {
        concept: share * weigh(concept, document.subject) + weigh(concept, document.own_text) for concept in EVIDENCE
    }
    everything = f"{document.subject}\n{document.own_text}"
    scores["problem"] += min(6.0, 3.0 * len(STACK_LINE.findall(everything)))
    # A lone question mark asks nothing.
    questions = min(2, len(QUESTION.findall(everything))) if document.word_count > 1 else 0
    scores["request"] += 2.0 * questions
    scores["asks"] += 3.0 * questions
    scores["question"] = 4.0 * questions
    if _is_short_thanks(document, questions):
        scores["quiet"] += 4.0
    if max(scores["problem"], scores["request"], scores["quiet"]) < THIN and _tells_of_software(scores):
        scores["problem"] += THIN
    return {concept: min(CAP, score) for concept, score in scores.items()}


def _tells_of_software(scores: Mapping[str, float]) -> bool:
    """Whether it names parts of a program and when something happens: with nothing else said, that is a report."""
    return scores["software"] >= 2 and scores["software"] + scores["condition"] >= 3


def weigh(concept: str, text: str) -> float:
    """Sum of the weights of the different stems of `concept` that occur in `text`."""
    folded = text.casefold().replace("’", "'")
    return sum(weight * len(set(pattern.findall(folded))) for weight, pattern in _patterns(concept))


def _is_short_thanks(document: Document, questions: int) -> bool:
    """Whether it is a short thank-you that asks nothing."""
    questions += weigh("asks", document.own_text) > 0
    opening = any(THANKS.search(sentence) for sentence in document.sentences[:3])
    return opening and not questions and document.word_count <= 40


@cache
def _patterns(concept: str) -> tuple[tuple[float, re.Pattern[str]], ...]:
    """One compiled pattern per weight."""
    return tuple((weight, _any_of(stems.split("|"))) for weight, stems in _split(EVIDENCE[concept]))


def _split(by_weight: Mapping[float, str]) -> list[tuple[float, str]]:
    """Keep groups such as "by (?:mon|tues)day" whole when stems are split at the bars."""
    return [
        (weight, re.sub(r"\([^)]*\)", lambda m: m[0].replace("|", "\0"), stems)) for weight, stems in by_weight.items()
    ]


def _any_of(stems: list[str]) -> re.Pattern[str]:
    whole = [stem.replace("\0", "|") for stem in stems if stem]
    anywhere = [stem for stem in whole if NO_SPACES.search(stem)]
    at_word = [stem for stem in whole if not NO_SPACES.search(stem)]
    parts = [rf"\b(?:{'|'.join(at_word)})"] * bool(at_word) + anywhere
    return re.compile("|".join(parts))
