"""How steps are handled, in plain words: attempts, approvals, errors, time limits. English and German."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from clients.wording import counted as in_words
from engine.base.json_text import JsonObject
from engine.copilot.rules.keeping import asked_before, given, tried
from engine.copilot.rules.naming import DAYS, NUMBER, counted, length_of, named, number
from engine.copilot.rules.requests import Operation, UnderstoodRequest
from engine.workflows.editing.graph import CanvasStep

_I = re.IGNORECASE
_ATTEMPTS = re.compile(
    rf"\b(?P<n>{NUMBER})[ -]?(?:attempts?|tries|times|mal|versuche?n?)\b|\b(?P<often>twice|thrice)\b",
    _I,
)
_AGAIN = re.compile(
    r"\b(?:retr(?:y|ies)|try (?:it |them |this )?(?:again|once more|up)|attempts?|tries|versuch\w*|wiederhol\w*|"
    r"noch ?mal|erneut)\b",
    _I,
)
_NO_MORE = re.compile(
    r"\b(?:no need to|(?:do not|don't|need not|needn't|stop|without|never) (?:ask|asking)|"
    r"frag\w* mich (?:nicht|nie)(?: mehr)?|no (?:more )?approvals?|"
    r"(?:nicht|nie) mehr (?:\w+ )?(?:fragen|nachfragen)|ohne (?:zu fragen|nachfrage|rückfrage))\b",
    _I,
)
_ASKED = re.compile(
    r"\b(?:ask(?:ed)? me|sign(?:ed)? off|my (?:ok(?:ay)?|approval|permission|consent)|approve|let me (?:check|confirm)|"
    r"confirm|(?:frag\w*|gefragt)(?: \w+)* werden|frag\w* (?:du )?mich|gefragt|zustimm\w*|genehmig\w*|freigeb\w*|"
    r"freigabe|bestätig\w*|mein(?:e|em|er)? (?:ok(?:ay)?|zustimmung|freigabe))\b",
    _I,
)
_EXPIRY = re.compile(rf"\b{DAYS}\b", _I)
_QUESTION = re.compile(r"\b(?:approvals?|questions?|genehmigung\w*|freigabe\w*|frage|rückfrage)\b", _I)
_FAILS = re.compile(
    r"\b(?:fails?|failed|is down|breaks?|errors?|goes wrong|does not work|not reachable|unreachable|schief\w*|"
    r"scheitert|fehlschlägt|fehlschlagen|fehlern?|ausfällt|nicht (?:geht|erreichbar|klappt|funktioniert))\b",
    _I,
)
_GOES_ON = re.compile(
    r"\b(?:carry on|continue|go(?:es)? on|keep going|ignore (?:it|that)|still|anyway|nevertheless|skip it|"
    r"weiter\w*|trotzdem|dennoch|ignorier\w*)\b",
    _I,
)
_SECONDS = re.compile(rf"\b(?P<n>{NUMBER}) (?P<unit>seconds?|sekunden?|minutes?|minuten?)\b", _I)
_IF = re.compile(r"\b(?:if|when|whenever|wenn|falls|sobald)\b", _I)
_TOO_LONG = re.compile(rf"\b{DAYS} (?:is|are|ist|sind) (?:too|zu) \w+", _I)
_STAYS_OPEN = re.compile(r"\bstays? open\b", _I)
_NO_STEP = re.compile(r"\b(?:no|keine?) (?:steps?|schritte?)\b", _I)
_AT_MOST = re.compile(
    r"\b(?:at most|no (?:more|longer) than|(?:not|never) (?:take )?(?:more|longer) than|"
    r"nicht (?:mehr|länger) als|longer than|maximum|limit|höchstens|maximal|länger als|nach)\b",
    _I,
)


def handled(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """Return what a request says of how steps are handled, None if it says nothing of that."""
    for rule in (_retried, _trusted, _expires, _asked, _goes_on, _limited):
        found = rule(said, document, steps)
        if found is not None:
            return found
    return None


def _retried(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    found = _ATTEMPTS.search(said)
    chosen = named(said, steps)
    if found is None or not chosen or not (_AGAIN.search(said) or _FAILS.search(said)):
        return None
    attempts = number(found["n"]) if found["n"] else 3 if found["often"].casefold() == "thrice" else 2
    if not 2 <= attempts <= 20:
        return None
    return UnderstoodRequest(*tried(chosen, attempts, document), (found[0], *_cause(said)))


def _trusted(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """Take approvals off; each needs a tick."""
    found = _NO_MORE.search(said)
    if found is None:
        return None
    asking = [one for one in steps if one.id in given(document, "approve")]
    chosen = [one for one in named(said, steps) if one in asking] or (asking if len(asking) == 1 else [])
    ops: list[Operation] = [{"op": "unset", "step": one.id, "field": "approve"} for one in chosen]
    return UnderstoodRequest(f"Do not ask before: {_titles(chosen)}", ops, (found[0],)) if ops else None


def _expires(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    found = list(_EXPIRY.finditer(said))
    if not found or not _QUESTION.search(said):
        return None
    count, unit = length_of(found[-1])
    asking = {id_: one for id_, one in given(document, "approve").items() if isinstance(one, Mapping)}
    chosen = [one for one in steps if one.id in asking]
    if len(chosen) > 1:
        chosen = [one for one in named(said, steps) if one in chosen]
    ops = [_set(one, "approve", {**asking[one.id], "expires_after": f"{count}{unit}"}) for one in chosen]
    used = (found[-1][0], *(one[0] for pattern in (_TOO_LONG, _STAYS_OPEN) for one in pattern.finditer(said)))
    return (
        UnderstoodRequest(f"The question runs out after {count}{unit}: {_titles(chosen)}", ops, used) if ops else None
    )


def _asked(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    if not _ASKED.search(said):
        return None
    chosen = [one for one in named(said, steps) if one.effect == "writes"]
    return UnderstoodRequest(*asked_before(chosen, document)) if chosen else None


def _goes_on(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    del document
    if not (_FAILS.search(said) and _GOES_ON.search(said)):
        return None
    cause = re.split(r",|\b(?:just|the (?:rest|mail|others?)|should still|dann)\b", said, maxsplit=1, flags=_I)[0]
    chosen = named(cause, steps) or named(said, steps)
    chosen = [one for one in chosen if one.effect == "writes"] or chosen
    ops = [_set(one, "on_error", "continue") for one in chosen]
    used = (*_cause(said), _GOES_ON.findall(said)[0])
    return UnderstoodRequest(f"Go on without it if it fails: {_titles(chosen)}", ops, used) if ops else None


def _limited(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    del document
    found = _SECONDS.search(said)
    chosen = named(said, steps) if found is not None and _AT_MOST.search(said) else []
    if found is None or not chosen:
        return None
    seconds = counted(found["n"]) * (60 if found["unit"].casefold().startswith("m") else 1)
    ops = [_set(one, "timeout_seconds", seconds) for one in chosen]
    used = (found[0], _AT_MOST.findall(said)[0], *_NO_STEP.findall(said)[:1])
    return UnderstoodRequest(f"At most {in_words(seconds, 'second')}: {_titles(chosen)}", ops, used)


def _cause(said: str) -> tuple[str, ...]:
    """Return the words that say "if it fails"; none if a request does not."""
    fails, when = _FAILS.search(said), _IF.search(said)
    return () if fails is None else (fails[0], when[0]) if when else (fails[0],)


def _set(step: CanvasStep, field: str, value: Any) -> Operation:
    return {"op": "set", "step": step.id, "field": field, "value": value}


def _titles(steps: Sequence[CanvasStep]) -> str:
    return ", ".join(one.title for one in steps)
