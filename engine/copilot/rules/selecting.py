"""Which steps words mean: "every step that writes to GitHub", "jeder Schritt, der ein Modell fragt"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.workflows.editing.graph import CanvasStep

SELECTION = (
    r"(?:(?:on|in|for|auf|bei|an) )?(?:all|every|each|any|alle|allen|jede[rnms]?) (?:the |of the )?"
    r"(?:steps?|schritte?n?),? (?:that|which|der|die|das) (?P<clause>[^,]{2,80}?)"
)
"""Part of a pattern: a selection of steps by what they do."""
_PREFIX = re.compile(
    r"(?:begin|start|beginn|anf[aä]ng)\w*(?: with| mit)? [\"'`]?(?P<it>[a-z]\w*)|"
    r"mit [\"'`]?(?P<it2>[a-z]\w*)[\"'`]? anf"
)
_SAME = {
    "open": "create",
    "make": "create",
    "post": "send",
    "sent": "send",
    "tag": "label",
    "answer": "reply",
    "öffn": "create",
}
_MODEL = re.compile(r"\b(?:models?|modelle?|llm|ki|ai)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(?:writes?|write|changes?|sends?|schreib\w*|ändert|sendet)\b", re.IGNORECASE)
_READS = re.compile(r"\b(?:reads?|lists?|liest|lesen)\b", re.IGNORECASE)
_SERVICE = re.compile(r"\b(?:to|from|in|on|uses?|use|nach|auf|an|aus|benutzt?)\b (?P<it>[\w.]+)", re.IGNORECASE)
_SHORTEST = 4


def selected(clause: str, steps: Sequence[CanvasStep]) -> list[CanvasStep]:
    """Return the steps of which a clause is true; none if it says nothing that is known."""
    calls = [one for one in steps if one.kind != "group"]
    prefix = _PREFIX.search(clause)
    if prefix:
        start = prefix["it"] or prefix["it2"]
        return [one for one in steps if one.id.startswith(start)]
    if _MODEL.search(clause):
        return [one for one in calls if one.uses.partition(".")[0] in ("llm", "agent")]
    effect = "writes" if _WRITES.search(clause) else "reads" if _READS.search(clause) else ""
    service = _SERVICE.search(clause)
    if effect:
        named = service["it"].casefold() if service else ""
        return [one for one in calls if one.effect == effect and (not named or is_of(named, one))]
    return [one for one in calls if does(clause, one)]


def is_of(word: str, step: CanvasStep) -> bool:
    """Return whether a word names the service or the type of a step."""
    return word in (step.service.casefold(), step.uses.casefold(), step.uses.casefold().partition(".")[0])


def does(words: str, step: CanvasStep) -> bool:
    """Return whether words name what a step does: `label mails` is `gmail.add_labels`."""
    stems = (_stem(one) for one in re.findall(r"[a-zäöü]+", words.casefold()) if len(one) >= _SHORTEST)
    said = {_SAME.get(one, one) for one in stems}
    service, _, operation = step.uses.partition(".")
    known = {_stem(one) for one in re.findall(r"[a-z]+", operation)} | {_stem(service)}
    known |= {"mail"} if service in ("gmail", "imap", "smtp") else set()
    own = {_stem(one) for one in operation.split("_")}
    return bool(said & own) and bool(said) and len(said & known) >= min(2, len(said))


def _stem(word: str) -> str:
    for ending in ("ing", "ened", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST - 1:
            return word[: -len(ending)]
    return word
