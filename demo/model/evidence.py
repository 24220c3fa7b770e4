"""How strongly a document speaks for a problem, a request, or nothing to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from demo.model.cues import cues, gives_thanks, is_language, is_vague, plain
from demo.model.language import is_readable
from demo.model.text import Document
from demo.model.topics import TOPICS
from demo.model.words import EVIDENCE

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
FULL_STOP = re.compile(r"[.!。！؟](?=\s|$|[^\x00-\x7f])")
NO_SPACES = re.compile(r"[぀-ヿ一-鿿가-힯]")
WORDS = {**EVIDENCE, **TOPICS}
CAP = 14.0
THIN = 2.0
SIDES = ("problem", "request", "quiet")
# How much a way of putting things counts beside the words themselves.
WORDING = 0.8
# The same for a complaint about no part of a program.
ELSEWHERE = 0.65
UNNAMED = 0.8
FAINT = 1.2
# From so many words on a text without a wish or a complaint is a piece of news.
STATEMENT = 7


@lru_cache(maxsize=64)
def strengths(document: Document) -> Mapping[str, float]:
    """How strongly the document speaks for each concept, 0 to 14; the subject counts on top of the text.

    The subject of an answer was written for an earlier mail: it counts by half.
    """
    share = 0.5 if ANSWER.match(document.subject) else 1.0
    scores = {
        concept: share * weigh(concept, document.subject) + weigh(concept, document.own_text) for concept in WORDS
    }
    everything = f"{document.subject}\n{document.own_text}"
    scores["problem"] += min(6.0, 3.0 * len(STACK_LINE.findall(everything)))
    # A lone question mark asks nothing.
    questions = min(2, len(QUESTION.findall(everything))) if is_language(document) and not is_vague(document) else 0
    scores["request"] += 2.0 * questions
    scores["asks"] += 3.0 * questions
    scores["question"] = 4.0 * questions
    if _is_short_thanks(document, questions):
        scores["quiet"] += 4.0
    _add_wording(scores, cues(document))
    if max(scores[concept] for concept in SIDES) < THIN and (side := _leaning(document, scores)):
        scores[side] += THIN
    return {concept: min(CAP, score) for concept, score in scores.items()}


def _add_wording(scores: dict[str, float], found: Mapping[str, float]) -> None:
    """Count the wording beside the words; a complaint that names no part of a program counts less."""
    names_a_part = scores["software"] > 0
    if not names_a_part:
        scores["problem"] *= UNNAMED
    scores["problem"] += (WORDING if names_a_part else ELSEWHERE) * found["problem"]
    scores["request"] += WORDING * found["request"]
    scores["quiet"] += WORDING * found["quiet"]
    if max(scores["problem"], scores["quiet"]) < THIN:
        scores["request"] += min(3.0, scores["topic"])


def _leaning(document: Document, scores: Mapping[str, float]) -> str:
    """The side that faint evidence leans to, else that of a plain report; "" for none."""
    first = max(scores[side] for side in SIDES)
    if first < FAINT:
        return _side_of_a_plain_report(document, scores)
    near = [side for side in SIDES if first - scores[side] < FAINT]
    blames_no_part = near[0] == "problem" and not scores["software"]
    return near[1] if blames_no_part and len(near) > 1 else near[0]


def _side_of_a_plain_report(document: Document, scores: Mapping[str, float]) -> str:
    """What a text calls for that neither complains nor asks: "problem", "quiet", or "" where nobody could tell.

    Who writes about parts of a program, and when something happens in it, reports a problem; a plain statement
    of some length only informs.
    """
    if gives_thanks(document):
        return "quiet"
    has_end = bool(FULL_STOP.search(document.own_text))
    is_statement = has_end and document.word_count >= STATEMENT and is_readable(document.own_text)
    parts = scores["software"]
    tells = parts >= 1 and (has_end or parts + scores["condition"] >= 2)
    if (parts >= 2 and is_statement) or (tells and not is_vague(document)):
        return "problem"
    return "quiet" if is_statement and not is_vague(document) else ""


def weigh(concept: str, text: str) -> float:
    """Sum of the weights of the different stems of `concept` that occur in `text`."""
    folded = plain(text).casefold()
    return sum(weight * len(set(pattern.findall(folded))) for weight, pattern in _patterns(concept))


def _is_short_thanks(document: Document, questions: int) -> bool:
    """Whether it is a short thank-you that asks nothing."""
    questions += weigh("asks", document.own_text) > 0
    opening = any(THANKS.search(sentence) for sentence in document.sentences[:3])
    return opening and not questions and document.word_count <= 40


@cache
def _patterns(concept: str) -> tuple[tuple[float, re.Pattern[str]], ...]:
    """One compiled pattern per weight."""
    return tuple((weight, _any_of(stems.split("|"))) for weight, stems in _split(WORDS[concept]))


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
