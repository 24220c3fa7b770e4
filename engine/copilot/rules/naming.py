"""Which steps the words of a person name: by id or title, by service, by what they do, or by what they make."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.copilot.rules.requests import NotThere
from engine.copilot.rules.selecting import SELECTION, selected
from engine.workflows.editing.graph import CanvasStep

_I = re.IGNORECASE
_SELECTION = re.compile(
    rf"{SELECTION.replace('all|every', 'no|keine?|all|every')}"
    r"(?:,| may | must | should | soll\w* | darf | dürfen | needs? | fails?\b| bei | wenn |$)",
    _I,
)
_MADE = (
    (r"issues?|tickets?", ("create_issue",)),
    (r"comments?|kommentare?n?", ("comment",)),
    (r"labels?|tags?|labell?ed|etiketten?", ("add_labels", "label")),
    (r"drafts?|entw[uü]rfe?n?", ("create_draft",)),
    (r"repl(?:y|ies)|answers?|antwort(?:en)?", ("reply", "create_draft")),
    (r"pages?|seiten?|tasks?|aufgaben?|cards?|karten?", ("upsert_page", "create_page")),
    (r"rows?|zeilen?", ("append_row", "insert_row", "upsert_row", "insert", "upsert")),
    (r"messages?|nachrichten?|posts?", ("send_message",)),
    (r"uploads?|files?|dateien?", ("upload", "write")),
    (r"releases?", ("create_release",)),
    (r"summar\w*|sum(?:ming)? up|zusammenfass\w*", ("summarize",)),
    (r"classif\w*|sorting|einordn\w*|klassifi\w*", ("classify",)),
    (r"forward\w*|weiterleit\w*", ("forward",)),
)
"""What a step makes, in the words of people, and the operations of step types that make it."""
_MODEL = re.compile(r"\b(?:models?|modelle?n?|llm|ai|ki)\b", _I)
_WRITING = re.compile(r"\b(?:writes?|writing|schreib\w*)\b", _I)
_NO_NAME = {"it", "this", "step", "each", "read", "open", "ask", "in", "of"}
"""Ids and titles that are ordinary words: they name a step only beside the word step."""


def named(words: str, steps: Sequence[CanvasStep]) -> list[CanvasStep]:
    """Return the steps that words name, in file order; none if they name nothing that there is."""
    by_word = [one for one in steps if _is_called(one, words)]
    if by_word:
        return by_word
    calls = [one for one in steps if one.kind != "group"]
    clause = _SELECTION.search(words)
    if clause:
        chosen = selected(clause["clause"], steps)
        if chosen:
            return chosen
    by_name = [one for one in calls if _is_said(one, words)]
    if by_name:
        return by_name
    said = _services(words, calls)
    made = [one for one in calls if _makes(one, words) and (not said or one.uses.partition(".")[0] in said)]
    if made:
        return made
    if said:
        return [one for one in calls if one.uses.partition(".")[0] in said]
    if _MODEL.search(words):
        return [one for one in calls if one.uses.partition(".")[0] in ("llm", "agent")]
    return [one for one in calls if one.effect == "writes"] if _WRITING.search(words) else []


def names_step(words: str, steps: Sequence[CanvasStep]) -> bool:
    """Return whether words say which steps they are about: by id or title, by service, or as all of a kind."""
    calls = [one for one in steps if one.kind != "group"]
    if _SELECTION.search(words) or _services(words, calls):
        return True
    known = [one for one in steps if one.id not in _NO_NAME]
    return any(re.search(rf"\b{re.escape(one.id)}\b", words, _I) or _is_said(one, words) for one in known)


def _services(words: str, calls: Sequence[CanvasStep]) -> list[str]:
    services = {one.uses.partition(".")[0] for one in calls}
    return [one for one in services if re.search(rf"\b{re.escape(one)}\b", words, _I)]


def _is_called(step: CanvasStep, words: str) -> bool:
    return re.search(rf"\b(?:step|schritt) [\"'`]?{re.escape(step.id)}\b(?! steps?\b)", words, _I) is not None


def _is_said(step: CanvasStep, words: str) -> bool:
    if len(step.title) > 4 and step.title.casefold() in words.casefold():
        return True
    name = re.escape(step.id)
    if step.id in _NO_NAME or len(step.id) < 4:
        return _is_called(step, words)
    is_noun = any(re.fullmatch(pattern, step.id, _I) for pattern, _ in _MADE)
    return not is_noun and re.search(rf"\b{name}\b", words, _I) is not None


def _makes(step: CanvasStep, words: str) -> bool:
    operation = step.uses.partition(".")[2]
    for pattern, operations in _MADE:
        if operation in operations and re.search(rf"\b(?:{pattern})\b", words, _I):
            return True
    is_summary = step.uses.startswith("llm.") and re.search(r"summar|digest|zusammen", step.id) is not None
    return is_summary and re.search(r"\b(?:summar\w*|zusammenfass\w*)\b", words, _I) is not None


_QUOTED = re.compile(r"[\"“„”]([^\"“„”]{1,80})[\"“„”]|(?<!\w)['`‘]([^'`‘’]{1,80})['`’](?!\w)")


def quoted(words: str) -> list[str]:
    """Return what stands in quotation marks."""
    found = (one[1] or one[2] for one in _QUOTED.finditer(words))
    return [one for one in found if one.strip()]


_UNITS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_EINER = "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split()
NUMBER = r"(?:\d{1,4}|" + "|".join([*_UNITS, *_EINER, "a", "an", "eine[mnrs]?", "eins"]) + ")"
"""Part of a pattern: a number in digits or words."""


def number(word: str) -> int:
    """Return the number that a word of this pattern says."""
    said = word.casefold()
    if said.isdigit():
        return int(said)
    if said in ("a", "an") or said.startswith("ein"):
        return 1
    return _UNITS.index(said) if said in _UNITS else _EINER.index(said)


def counted(word: str) -> int:
    """Return the number that a word of this pattern says. Raises NotThere for 0."""
    found = number(word)
    if not found:
        raise NotThere(f"I cannot set {word!r} here: say a number from 1 on.")
    return found


DAYS = (
    rf"(?:(?P<n>{NUMBER})[ -]?|(?!days|tage|weeks|wochen|months|monat\w|years|jahre|hours|stunden))"
    r"(?P<unit>days?|tage?n?|weeks?|wochen?|fortnight|months?|monate?n?|years?|jahre?n?|hours?|stunden?)"
)
"""Part of a pattern: a length of time. Without a number it is one, of which there are not several."""


def length_of(found: re.Match[str]) -> tuple[int, str]:
    """Return a length of time as a number of hours (`h`) or days (`d`). Raises NotThere for none at all."""
    count, unit = counted(found["n"] or "1"), found["unit"].casefold()
    if unit.startswith(("hour", "stunde")):
        return count, "h"
    days = {"d": 1, "t": 1, "w": 7, "f": 14, "m": 30, "y": 365, "j": 365}[unit[0]]
    return count * days, "d"
