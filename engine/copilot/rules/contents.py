"""What a workflow works on, in plain words: labels, languages, times, amounts, what is left out, one more target."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.base.json_text import JsonObject
from engine.base.step_tree import step_nodes
from engine.copilot.rules.naming import DAYS, NUMBER, counted, length_of, quoted
from engine.copilot.rules.requests import NotThere, Operation, UnderstoodRequest
from engine.copilot.wizard.filters import contains
from engine.copilot.wizard.records import MOST_DAYS
from engine.workflows.editing.graph import CanvasStep

_I = re.IGNORECASE
_LABEL = re.compile(r"\b(?:labels?|tag(?:s|ged)?|labell?ed|etiketten?|markier\w*)\b", _I)
_ISSUE = re.compile(r"\b(?:issues?|tickets?)\b", _I)
_INSTEAD = re.compile(r"\b(?:instead of|rather than|statt|anstatt|anstelle von)\b", _I)
_LANGUAGES = {
    "english|englisch\\w*": "English", "german|deutsch\\w*": "German", "french|französisch\\w*": "French",
    "spanish|spanisch\\w*": "Spanish", "italian|italienisch\\w*": "Italian", "dutch|niederländisch\\w*": "Dutch",
    "polish|polnisch\\w*": "Polish", "portuguese|portugiesisch\\w*": "Portuguese",
}  # fmt: skip
_SUMMARY = re.compile(r"\b(?:summar\w*|sum (?:it |them )?up|digest|zusammenfass\w*|fass\w*|points|texts?)\b", _I)
_BACK = re.compile(
    r"\b(?:last|past|letzten?|vergangenen?|newer than|jünger als|back|over|within|innerhalb (?:von|der))"
    r"(?: (?:about|the|de[rnm]|die|last|past|letzten|vergangenen))? "
    rf"{DAYS}\b",
    _I,
)
_MAIL = re.compile(r"\b(?:mails?|e-?mails?|inbox|newsletters?|messages?|nachrichten)\b", _I)
_ONLY_MAIL = re.compile(
    r"\b(?:only|nur) (?=(?:look at |die )?(?:the )?(?:e-?)?(?:mails?|nachrichten|newsletters?)\b)", _I
)
_NOT_LENGTH = re.compile(rf"\b(?:rather than|instead of|statt|anstatt|anstelle von) {DAYS}\b", _I)
_NEWER = re.compile(r"\s*\bnewer_than:\w+")
_MOST = re.compile(
    rf"\b(?:at most|no more than|only|up to|maximum(?: of)?|höchstens|maximal|nur|bis zu) (?P<n>{NUMBER}) "
    r"(?P<what>\w+)(?: (?:per|each|every|a|in one|at a|pro|je|jedes) (?:run|time|go|lauf|mal|durchlauf)\b|$)",
    _I,
)
_OF_TIME = re.compile(r"(?:second|sekunde|minute|hour|stunde|day|tag|week|woche|month|monat|year|jahr)\w*", _I)
_ANYTHING = re.compile(r"items?|things?|elements?|ones|entries|results?|elemente?n?|einträge?n?|ergebnisse?n?", _I)
_ALSO = re.compile(r"\b(?:also|too|as well|additionally|in addition|zusätzlich|auch|außerdem)\b", _I)
_CHANNEL = re.compile(r"(?<!\w)#[\w-]+")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SKIP = re.compile(
    r"\b(?:skip|ignore|leave out|omit|exclude|drop|never|not|no|without|überspring\w*|ignorier\w*|auslassen|lass\w*|"
    r"keine?|nicht|ohne)\b",
    _I,
)
_PARTS = (
    (r"subjects?|betreff\w*|titles?|titel", "subject"),
    (r"senders?|from|address|absender\w*|adresse|von", "from"),
    (r"text|body|inhalt", "text"),
)
_BOUND = re.compile(
    r"\b(?P<how>below|under|less than|smaller than|cheaper than|unter|kleiner als|above|over|more than|greater than|"
    r"über|größer als) (?:€|\$|EUR|USD)? ?(?P<n>\d+(?:[.,]\d{1,2})?)\b(?![.,]?\d)",
    _I,
)
_LOW = ("below", "under", "less", "smaller", "cheaper", "unter", "kleiner")
_TEXTS = {"llm.summarize": "text", "llm.chat": "text"}
_FIELDS = ("text", "markdown", "body")


def contained(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """Return what a request says of the contents, None if it says nothing of that."""
    for rule in (_renamed_label, _labelled, _translated, _one_more, _left_out, _bounded, _recent, _at_most):
        found = rule(said, document, steps)
        if found is not None:
            return found
    return None


def _renamed_label(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """One quoted text in place of another one, in lists too."""
    del steps
    marks, instead = quoted(said), _INSTEAD.search(said)
    if len(marks) != 2 or instead is None:
        return None
    new, old = marks
    ops: list[Operation] = []
    for id_, fields in _arguments(document):
        for field, value in fields.items():
            if value == old:
                ops.append(_set(id_, f"with.{field}", new))
            elif isinstance(value, list) and old in value:
                ops.append(_set(id_, f"with.{field}", [new if one == old else one for one in value]))
    return UnderstoodRequest(f"{new} instead of {old}", ops, (instead[0],)) if ops else None


def _labelled(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    marks = quoted(said)
    if not marks or not _LABEL.search(said) or not _ISSUE.search(said) or _SKIP.search(said):
        return None
    made = [one.id for one in steps if one.uses == "github.create_issue"]
    before = {id_: fields.get("labels") for id_, fields in _arguments(document)}
    kept = {id_: known if isinstance(known := before.get(id_), list) else [] for id_ in made}
    ops = [_set(id_, "with.labels", list(dict.fromkeys([*kept[id_], *marks]))) for id_ in made]
    return UnderstoodRequest(f"The issues get {', '.join(marks)}", ops) if ops else None


def _translated(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    del document
    language = next(
        (name for words, name in _LANGUAGES.items() if re.search(rf"\b(?:in|auf|to|ins) (?:{words})\b", said, _I)), ""
    )
    chosen = [one for one in steps if one.uses == "llm.summarize"]
    if not language or not chosen or not _SUMMARY.search(said):
        return None
    return UnderstoodRequest(f"Summaries in {language}", [_set(one.id, "with.language", language) for one in chosen])


def _recent(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """How far back: an input of days, or the search for mail."""
    found = _BACK.search(said)
    if found is None or length_of(found)[1] != "d":
        return None
    days = length_of(found)[0]
    if days > MOST_DAYS:
        raise NotThere(f"That is too far back: say at most {MOST_DAYS} days.")
    used = (found[0], *(one[0] for pattern in (_ONLY_MAIL, _NOT_LENGTH) if (one := pattern.search(said))))
    if "days" in _inputs(document):
        return UnderstoodRequest(f"The last {_days(days)}", [_set("", "inputs.properties.days.default", days)], used)
    searches = [one.id for one in steps if one.uses == "gmail.search_messages"]
    if not searches or not _MAIL.search(said):
        return None
    ops = []
    for id_, fields in _arguments(document):
        query = fields.get("query") if id_ in searches else None
        if isinstance(query, str) and "{{" not in query:
            ops.append(_set(id_, "with.query", _newer(query, days)))
        elif query == "{{ inputs.query }}":
            given = _inputs(document).get("query", {}).get("default", "")
            ops.append(_set("", "inputs.properties.query.default", _newer(str(given), days)))
    return UnderstoodRequest(f"Mail of the last {_days(days)}", ops, used) if ops else None


def _days(days: int) -> str:
    return "day" if days == 1 else f"{days} days"


def _newer(query: str, days: int) -> str:
    return f"{_NEWER.sub('', query).strip()} newer_than:{days}d".strip()


def _at_most(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """How many: an input, or what the only step reads that has such a limit."""
    found = _MOST.search(said)
    if found is None or _OF_TIME.fullmatch(found["what"]):
        return None
    if _inputs(document).get("limit", {}).get("type") == "integer":
        places = [("", "inputs.properties.limit.default")]
    else:
        reads = {one.id for one in steps if one.effect == "reads" and _reads(one, found["what"])}
        limits = {id_: fields.get("limit") for id_, fields in _arguments(document) if id_ in reads}
        places = [(id_, "with.limit") for id_, limit in limits.items() if type(limit) is int]
    if len(places) != 1:
        return None
    count = counted(found["n"])
    return UnderstoodRequest(f"At most {count}", [_set(*places[0], count)], (found[0],))


def _reads(step: CanvasStep, what: str) -> bool:
    """Return whether a step reads what is said: anything, mail, or what its id, title or type names."""
    if _ANYTHING.fullmatch(what) or (_MAIL.fullmatch(what) and step.uses.startswith(("gmail.", "imap."))):
        return True
    return what.casefold().rstrip("s") in f"{step.id} {step.title} {step.uses}".casefold()


def _left_out(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """Leave out mails with a word in a part of them."""
    marks, skip = quoted(said), _SKIP.search(said)
    part = next((name for words, name in _PARTS if re.search(rf"\b(?:{words})\b", said, _I)), "")
    if not marks or not part or skip is None or _LABEL.search(said):
        return None
    searches = {one.id for one in steps if one.uses == "gmail.search_messages"}
    ops = []
    for one in steps:
        source = re.fullmatch(r"\{\{ (steps\.(\w+)\.output\.messages)(\.filter\(.*\))? \}\}", one.foreach)
        if source and source[2] in searches:
            without = " && ".join("!" + contains(f"m.{part}", [mark]) for mark in marks)
            ops.append(_set(one.id, "foreach", f"{{{{ {source[1]}{source[3] or ''}.filter(m, {without}) }}}}"))
    del document
    return UnderstoodRequest(f"Without {' and '.join(marks)} in {part}", ops, (skip[0],)) if ops else None


def _bounded(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """Leave out what a number that a model reads is below or above."""
    found, skip = _BOUND.search(said), _SKIP.search(said)
    numbers = list(_numbers(document))
    if found is None or len(numbers) != 1 or skip is None:
        return None
    reader, field = numbers[0]
    inside = next(one.parent for one in steps if one.id == reader)
    bound = float(found["n"].replace(",", "."))
    sign = ">=" if found["how"].casefold().startswith(_LOW) else "<="
    condition = f"steps.{reader}.output.{field} {sign} {bound}"
    writes = [one for one in steps if one.effect == "writes" and one.parent == inside]
    ops = [_set(one.id, "if", f"{{{{ {condition}{_and(one.condition)} }}}}") for one in writes]
    return UnderstoodRequest(f"Only if {field} {sign} {bound:g}", ops, (found[0], skip[0])) if ops else None


def _and(condition: str) -> str:
    inner = condition.removeprefix("{{").removesuffix("}}").strip()
    return f" && ({inner})" if inner else ""


def _numbers(document: JsonObject) -> Iterator[tuple[str, str]]:
    for id_, fields in _arguments(document):
        schema = fields.get("schema")
        members = schema.get("properties") if isinstance(schema, Mapping) else None
        for name, one in members.items() if isinstance(members, Mapping) else ():
            if isinstance(one, Mapping) and one.get("type") in ("number", "integer"):
                yield id_, name


def _one_more(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """One more place for the text that the workflow writes: a channel of Slack, or an address."""
    channel, address = _CHANNEL.search(said), _ADDRESS.search(said)
    writes = [one for one in steps if one.effect == "writes"]
    if not _ALSO.search(said) or not (channel or address) or not writes:
        return None
    last = writes[-1]
    text = _written(document, steps, last)
    if not text:
        return None
    taken = {one.id for one in steps}
    id_ = next(one for one in ("post" if channel else "mail", *(f"more_{n}" for n in range(2, 99))) if one not in taken)
    step: dict[str, Any] = {"id": id_, "uses": "slack.send_message" if channel else "gmail.send"}
    if channel:
        step["with"] = {"channel": channel[0], "text": text}
    elif address:
        step["with"] = {"to": [address[0]], "subject": str(document.get("title") or "News"), "text": text}
    where = channel[0] if channel else address[0] if address else ""
    return UnderstoodRequest(f"Also to {where}", [{"op": "add", "step": step, "after": last.id}], (where,))


def _written(document: JsonObject, steps: Sequence[CanvasStep], last: CanvasStep) -> str:
    """Return the text of a model beside a step, or else the text that the step writes."""
    beside = [one for one in steps if one.parent == last.parent and one.uses in _TEXTS]
    if beside:
        return f"{{{{ steps.{beside[-1].id}.output.{_TEXTS[beside[-1].uses]} }}}}"
    fields = next((fields for id_, fields in _arguments(document) if id_ == last.id), {})
    return next((str(fields[name]) for name in _FIELDS if isinstance(fields.get(name), str)), "")


def _inputs(document: JsonObject) -> Mapping[str, JsonObject]:
    inputs = document.get("inputs")
    found = inputs.get("properties") if isinstance(inputs, Mapping) else None
    return {name: one for name, one in found.items() if isinstance(one, Mapping)} if isinstance(found, Mapping) else {}


def _arguments(document: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for node in step_nodes(document):
        yield node.step.id, node.step.arguments


def _set(step: str, field: str, value: Any) -> Operation:
    return {"op": "set", **({"step": step} if step else {}), "field": field, "value": value}
