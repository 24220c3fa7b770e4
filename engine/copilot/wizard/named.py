"""What a request names: addresses, repositories, channels, folders, quoted texts, and the targets that fit them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engine.copilot.wizard import meanings
from engine.copilot.wizard.records import Chosen
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
_COLUMN = re.compile(
    r"\b(?P<what>absender|sender|link(?: zur mail)?|subject|betreff|date|datum)\b[\w ]{0,12}? "
    r"(?:nach|to|in|into) (?P<column>[A-Z]\w*)",
    _I,
)
IN_TEXT = ("url", "to", "path", "folder", "repository", "spreadsheet", "channel")
_ROLES = {"absender": "sender", "sender": "sender", "link": "url", "subject": "title", "betreff": "title"}
_ROLES |= {"date": "date", "datum": "date"}


@dataclass
class Said:
    """A request, and what it names."""

    text: str
    places: dict[str, str] = field(default_factory=dict)
    quoted: list[str] = field(default_factory=list)

    @property
    def plain(self) -> str:
        """The text without what it names: the folder `invoices/` is no word for invoices."""
        found = self.text
        for one in [*self.quoted, *(self.places[name] for name in IN_TEXT if name in self.places)]:
            found = found.replace(one, " ")
        return found


def named(text: str) -> Said:
    """Return a text with the places that it names."""
    said = Said(text)
    said.quoted = [found["it"].strip() for found in QUOTED.finditer(text)]
    for name, pattern in _NAMED:
        found = pattern.search(text)
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


def targets_of(said: Said) -> list[Chosen]:
    """Return the targets whose words and places a text has."""
    found = [name for name, words, place in meanings.TARGETS if words.search(said.text) and has(said, place)]
    hidden = {other for one in found for other in meanings.REPLACES.get(one, ())}
    asks = bool(meanings.ASKS_FIRST.search(said.text))
    return [chosen_of(said, one, is_approved=asks) for one in found if one not in hidden]


def has(said: Said, place: str) -> bool:
    """Return whether a text names a place; an empty one is none."""
    return not place or place in said.places


def chosen_of(said: Said, name: str, *, is_approved: bool) -> Chosen:
    """Return a target with the places, the text and the title that a text names for it."""
    target = TARGETS[name]
    places = {one: said.places[one] for one in target.places if one in said.places}
    text = said.places.get("text", "") if target.needs_text else ""
    title = said.quoted[0] if target.title_field and said.quoted else ""
    return Chosen(target=name, places=places, text=text, title=title, is_approved=is_approved)
