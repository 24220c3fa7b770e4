"""How the demo model chooses: one value of an enum, or yes and no, by evidence; "unsure" where it is thin."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from demo.model.evidence import strengths
from demo.model.text import WORD, Document

# Which words in the name of an enum value, or of a yes/no field, stand for which evidence.
NAMES: Mapping[str, str] = {
    "unsure": "unsure unknown unclear uncertain undecided maybe review manual other",
    "quiet": "nothing none noise ignore ignored archive newsletter spam fyi info irrelevant skip marketing promotion "
    "automatic automated bulk notification noaction",
    "problem": "bug bugs defect error incident problem fault failure crash outage broken fehler",
    "money": "invoice billing payment bill finance rechnung",
    "meeting": "meeting appointment calendar schedule event termin",
    "feature": "feature enhancement improvement idea suggestion wish",
    "question": "question inquiry query ask frage",
    "asks": "answer answered reply replied response respond",
    "request": "task tasks todo action request actionable work job followup sales lead support aufgabe",
    "urgent": "urgent critical highest high blocker severe important asap p0 p1",
    "minor": "low lowest minor trivial p3 p4",
    "middle": "medium normal moderate default p2",
}
# Evidence of a special kind outweighs the general "request" that it also is.
SPECIAL = {"money": 1.6, "meeting": 1.6, "feature": 1.6, "question": 1.3}
YES = {"yes", "true", "y", "ja", "oui", "si"}
NO = {"no", "false", "n", "nein", "non"}
ENOUGH = 2.0
CLEAR_LEAD = 0.3
# From here on a problem makes the questions around it part of the report; the first if a part of a program is named.
REPORT = 2.5
COMPLAINT = 5.0
POLITE = 0.65


def choose(values: Sequence[str], document: Document, about: str = "") -> str | None:
    """The value that the document speaks for; "unsure" or its like where the evidence is thin or a tie.

    `about` is the name and description of the field. None when nothing fits and no value means "unsure".
    """
    concepts = {value: concept_of(value) for value in values}
    doubt = next((value for value in values if concepts[value] == "unsure"), None)
    folded = {value.casefold(): value for value in values}
    if YES & folded.keys() and NO & folded.keys():
        return _yes_or_no(folded, about, document, doubt)
    if {"urgent", "minor", "middle"} & set(concepts.values()):
        return _severity(concepts, document) or doubt
    return _by_score(values, concepts, document) or doubt


def is_so(about: str, document: Document) -> bool | None:
    """Whether the document is what the words of a field ("needs_answer") say; None when the evidence is thin."""
    concept = concept_of(about)
    scores = balanced(strengths(document))
    if concept not in scores:
        return None
    if concept == "asks" and scores["quiet"] >= 5:
        return False
    if scores[concept] >= ENOUGH:
        return True
    return False if scores[concept] == 0 and document.word_count > 3 else None


def confidence(document: Document) -> float:
    """Between 0 and 1: how far the strongest evidence lies before the next."""
    scores = balanced(strengths(document))
    ranked = sorted((scores[each] for each in ("problem", "request", "quiet")), reverse=True)
    return round(min(1.0, (ranked[0] - ranked[1]) / 10), 2)


def concept_of(name: str) -> str:
    """The evidence that the words of a name stand for, or ""."""
    words = set(words_of(name))
    if "no" in words and "action" in words:
        return "quiet"
    return next((concept for concept, known in NAMES.items() if words & set(known.split())), "")


def words_of(name: str) -> list[str]:
    """The words of an identifier or phrase, lower case: "needsAnswer_now" -> needs, answer, now."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ")
    return [word.casefold() for word in WORD.findall(spaced)]


def balanced(scores: Mapping[str, float]) -> dict[str, float]:
    """Evidence weighed against other evidence.

    Whoever reports a problem is polite, and a newsletter asks questions: neither makes a request.
    """
    result = dict(scores)
    if scores["problem"] >= (REPORT if scores["software"] else COMPLAINT):
        result["request"] *= POLITE
    if scores["quiet"] >= 4.5 and scores["quiet"] + 2 > max(scores["problem"], scores["request"]):
        result["request"] *= 0.4
        result["problem"] *= 0.5
    return result


def _by_score(values: Sequence[str], concepts: Mapping[str, str], document: Document) -> str | None:
    """The best value, if it is good and clearly ahead."""
    scores = balanced(strengths(document))
    ranked = sorted(values, key=lambda value: -_score(value, concepts[value], scores, document))
    ranked = [value for value in ranked if concepts[value] != "unsure"]
    if not ranked:
        return None
    points = [_score(value, concepts[value], scores, document) for value in ranked]
    is_clear = len(points) == 1 or points[0] - points[1] >= CLEAR_LEAD
    return ranked[0] if points[0] >= ENOUGH and is_clear else None


def _score(value: str, concept: str, scores: Mapping[str, float], document: Document) -> float:
    """Evidence for the value's concept, and for its own words standing in the document."""
    said = set(words_of(f"{document.subject} {document.own_text}"))
    # "Nothing happens" does not say that there is nothing to do.
    own_words = 0 if concept == "quiet" else sum(1 for word in words_of(value) if len(word) > 3 and word in said)
    return scores.get(concept, 0) * SPECIAL.get(concept, 1) + (2 * own_words if concept else 4 * own_words)


def _severity(concepts: Mapping[str, str], document: Document) -> str | None:
    """High, medium or low: medium unless something says otherwise."""
    scores = strengths(document)
    high = scores["urgent"] >= 3 or (scores["urgent"] >= 2 and scores["problem"] >= 10)
    wanted = "urgent" if high else "minor" if scores["minor"] >= 3 else "middle"
    fitting = [value for value, concept in concepts.items() if concept == wanted]
    strongest = [value for value in fitting if value.casefold() in {"critical", "highest", "blocker", "p0"}]
    if wanted == "urgent" and len(fitting) > 1:
        fitting = strongest if scores["urgent"] >= 6 and strongest else [v for v in fitting if v not in strongest]
    return fitting[0] if fitting else None


def _yes_or_no(folded: Mapping[str, str], about: str, document: Document, doubt: str | None) -> str | None:
    verdict = is_so(about, document)
    if verdict is None and doubt is not None:
        return doubt
    return next(value for low, value in folded.items() if low in (YES if verdict else NO))
