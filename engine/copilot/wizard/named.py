"""What a request names: addresses, repositories, channels, folders, quoted texts, and the targets that fit them."""

from __future__ import annotations

import re

from msgspec import Struct, field

from engine.copilot.wizard import meanings
from engine.copilot.wizard.records import Chosen
from engine.copilot.wizard.senders import senders_in
from engine.copilot.wizard.targets import BY_NAME as TARGETS

_I = re.IGNORECASE
_NAMED = (
    ("url", re.compile(r"https?://[^\s\"'<>]+[^\s\"'<>.,;:)]")),
    ("to", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("path", re.compile(r"(?<![\w:/])\w[\w./-]*\.(?:md|txt|json|csv|html)\b")),
    ("channel", re.compile(r"(?<!\w)#[a-z0-9][\w-]*", _I)),
    ("repository", re.compile(r"(?<![\w./:@-])[A-Za-z0-9][\w-]*/[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?![\w/])")),
    ("folder", re.compile(r"(?<![\w/])[A-Za-z0-9][\w-]*(?=/(?:\s|$))")),
    ("folder", re.compile(r"(?<=[Ff]older )[A-Z]\w*|(?<=[Oo]rdner )[A-Z]\w*")),
    ("spreadsheet", re.compile(r"(?<=sheet )[\w-]*\d[\w-]*|(?<=[Tt]abelle )[\w-]*\d[\w-]*", _I)),
    ("sheet", re.compile(r"(?<=/ )[A-Z]\w*|(?<=Blatt )\w+|(?<=tab )\w+")),
    ("assignees", re.compile(r"(?<=go to )[a-z0-9][\w-]+|(?<=assign them to )[\w-]+|(?<=assign to )[\w-]+")),
    (
        "database",
        re.compile(
            r"(?<=[Nn]otion \()[\w ]+(?=\))|(?<=[Pp]age in )(?!Notion)[A-Z]\w*|(?<=[Nn]otion )[A-Z]\w*|(?<=in )Tasks"
        ),
    ),
)
_TABLE = re.compile(
    r"\b(?:table|tabelle)(?: (?:called|named|namens))? (?P<it>[a-z][\w-]*)|"
    r"\b(?!(?:a|the|our|my|in) )(?P<first>\w+) table\b",
    _I,
)
QUOTED = re.compile(r"[\"“„«](?P<it>[^\"“”„«»]{1,500})[\"”“»]")
_MAILS = r"(?:mails?|newsletters?|inbox|postfach|messages?|nachrichten|everything|anything|alles)\b[^\"“„«,;:]{0,40}?"
_ARTICLE = r"(?: one of)?(?: the| an?| de[nm]| das| der| eine[mnr]?)?"
_WORDS = (
    rf"{_ARTICLE} (?:words?|phrases?|terms?|keywords?|wort|w[oö]rt(?:ern|e)|begriffe?n?|stichw[oö]rt(?:ern|e)?)[ :]*\Z"
)
_WORD = re.compile(_WORDS, _I)
_HAS = re.compile(rf"\b(?:with|mit|ha(?:s|ve|ving)|contain\w*|includ\w*|say\w*|enth[aä]lt\w*){_WORDS}", _I)
_HAS_IT = re.compile(r" (?:enthält|enthalten|haben|hat|vorkommt|steht)\b", _I)
_BEFORE_PART = re.compile(
    rf"{_MAILS} (?:with|mit|ha(?:s|ve|ving)|whose|deren){_ARTICLE} "
    r"(?P<part>subject|betreff|text|sender|absender|label)(?: line|zeile)?(?: is| ist| contains| says)?[ :]*\Z|"
    rf"\bissues(?: (?:in|of|von|aus) \S+)? (?:with|mit){_ARTICLE} (?P<label>label)[ :]*\Z",
    _I,
)
_BEFORE_TEXT = re.compile(rf"{_MAILS} (?P<verb>ha(?:s|ve|ving)|contain\w*|say\w*|enthält|enthalten|mit) ?\Z", _I)
_AFTER_TEXT = re.compile(r" (?:in the|im) (?P<part>subject|betreff|text|body)\b", _I)
_ONE_MORE = re.compile(r"(?:,|,? or|,? oder) \Z", _I)
_AND_MORE = re.compile(rf",? (?:and|und){_ARTICLE}(?: (?:words?|wort|subject|betreff|text|sender|absender))? \Z", _I)
_NEAR = 120
"""How far before a quoted text the words for it are."""
_UNSURE = ("subject", "betreff", "text", "mit", "saying", "label")
_TAKES_TEXT = re.compile(
    r"\b(?:answer\w*|repl(?:y|ies)|(?:be)?antwort\w*|label\w*|tag|beschrift\w*|comment\w*|kommentier\w*|send|"
    r"schick\w*|write|schreib\w*|drafts?|entw[uü]rfe?)\b",
    _I,
)
"""Words for what needs a text: the only one that is quoted may be that."""
_PARTS = {"betreff": "subject", "absender": "sender"}
_COLUMN = re.compile(
    r"\b(?P<what>absender|sender|link(?: zur mail)?|subject|betreff|date|datum)\b[\w ]{0,12}? "
    r"(?:nach|to|in|into) (?P<column>[A-Z]\w*)",
    _I,
)
IN_TEXT = ("url", "to", "path", "folder", "repository", "spreadsheet", "channel")
_ROLES = {"absender": "sender", "sender": "sender", "link": "url", "subject": "title", "betreff": "title"}
_ROLES |= {"date": "date", "datum": "date"}


class NamedRequest(Struct):
    """A request, and what it names."""

    text: str
    places: dict[str, str] = field(default_factory=dict)
    quoted: list[str] = field(default_factory=list)
    """The texts in quotation marks, without those to look for."""
    looked_for: list[tuple[str, str]] = field(default_factory=list)
    """Texts in quotation marks that items must have, each with its part: `with the subject "invoice"`."""
    senders: list[str] = field(default_factory=list)
    """The addresses and domains that mail comes from."""

    def texts_of(self, part: str) -> tuple[str, ...]:
        """Return the texts to look for in a part."""
        return tuple(text for one, text in self.looked_for if one == part)

    @property
    def plain(self) -> str:
        """The text without what it names: the folder `invoices/` is not a word for invoices."""
        found = self.text
        for one in [
            *self.quoted,
            *(one for _, one in self.looked_for),
            *self.senders,
            *(self.places[name] for name in IN_TEXT if name in self.places),
        ]:
            found = found.replace(one, " ")
        return found


def named(text: str) -> NamedRequest:
    """Return a text with the places that it names."""
    said = NamedRequest(text)
    _take_quoted(said)
    spans = senders_in(text)
    said.senders = list(dict.fromkeys(text[begin:end] for begin, end in spans))
    others = _hiding(text, spans)
    for name, pattern in _NAMED:
        found = pattern.search(others if name == "to" else text)
        if found and name not in said.places:
            said.places[name] = found[0]
    table = _TABLE.search(text)
    if table:
        said.places["table"] = table["it"] or table["first"] or ""
    elif said.quoted and re.search(r"\b(?:table|tabelle) [\"“„]", text, _I):
        said.places["table"] = said.quoted[0]
    columns = {found["column"]: _ROLES[found["what"].split()[0].casefold()] for found in _COLUMN.finditer(text)}
    if columns:
        said.places["columns"] = ", ".join(f"{name}={role}" for name, role in columns.items())
    if said.quoted:
        said.places |= {"labels": said.quoted[0], "text": said.quoted[0]}
    if "database" not in said.places and meanings.TASKS.search(text):
        said.places["database"] = "Tasks"
    return said


def _hiding(text: str, spans: list[tuple[int, int]]) -> str:
    """Return a text of the same length without these parts: mail from somebody is not for them."""
    for begin, end in spans:
        text = f"{text[:begin]}{' ' * (end - begin)}{text[end:]}"
    return text


def _take_quoted(said: NamedRequest) -> None:
    """Tell the texts in quotation marks that are looked for from those that are written.

    One that `and` adds to those that are looked for is neither: only one of several can be asked for.
    """
    marks = list(QUOTED.finditer(said.text))
    last, part = 0, ""
    for found in marks:
        between = said.text[last : found.start()] if part else ""
        last = found.end()
        if _AND_MORE.fullmatch(between):
            continue
        if not _ONE_MORE.fullmatch(between):
            part = _looked_for(said.text, found, is_only=len(marks) == 1)
        if part:
            said.looked_for.append((part, found["it"].strip()))
        else:
            said.quoted.append(found["it"].strip())


def _looked_for(text: str, found: re.Match[str], *, is_only: bool) -> str:
    """Return the part of an item that must have a quoted text: words, subject, sender or label; else nothing."""
    before, after = text[max(0, found.start() - _NEAR) : found.start()], _AFTER_TEXT.match(text, found.end())
    is_word = _WORD.search(before) and (_HAS.search(before) or _HAS_IT.match(text, found.end()))
    said = _BEFORE_PART.search(before) or _BEFORE_TEXT.search(before)
    if is_word or said is None:
        return "words" if is_word else ""
    given = {name: one.casefold() for name, one in said.groupdict().items() if one}
    part = given.get("part") or given.get("label") or given["verb"]
    if is_only and not after and part in _UNSURE and _TAKES_TEXT.search(text.replace(said[0], " ")):
        return ""
    part = after["part"].casefold() if after else part
    part = _PARTS.get(part, part)
    return part if part in ("subject", "sender", "label") else "words"


def targets_of(said: NamedRequest) -> list[Chosen]:
    """Return the targets whose words and places a text has."""
    found = [name for name, words, place in meanings.TARGETS if words.search(said.text) and has(said, place)]
    hidden = {other for one in found for other in meanings.REPLACES.get(one, ())}
    asks = bool(meanings.ASKS_FIRST.search(said.text))
    return [chosen_of(said, one, is_approved=asks) for one in found if one not in hidden]


def has(said: NamedRequest, place: str) -> bool:
    """Return whether a text names a place; an empty one is none."""
    return not place or place in said.places


def chosen_of(said: NamedRequest, name: str, *, is_approved: bool) -> Chosen:
    """Return a target with the places, the text and the title that a text names for it."""
    target = TARGETS[name]
    places = {one: said.places[one] for one in target.places if one in said.places}
    text = said.places.get("text", "") if target.needs_text else ""
    title = said.quoted[0] if target.title_field and said.quoted else ""
    return Chosen(target=name, places=places, text=text, title=title, is_approved=is_approved)
