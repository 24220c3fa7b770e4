"""Names that a person gives to a place: `our database is Tasks`, `the channel is called #team`. English and German."""

from __future__ import annotations

import re
from typing import NamedTuple

_I = re.IGNORECASE
_FIELDS = {
    "repo": "repository", "repository": "repository", "database": "database", "datenbank": "database",
    "channel": "channel", "kanal": "channel", "table": "table", "tabelle": "table", "spreadsheet": "spreadsheet",
    "folder": "folder", "ordner": "folder",
}  # fmt: skip
"""The words for a place, and the fields that have it."""
PLACES = "|".join(_FIELDS)
"""Part of a pattern: these words."""
_IS = re.compile(
    rf"\b(?:our|my|the|unsere?|meine?|der|die|das) (?P<place>{PLACES}) "
    r"(?P<is>(?:is|ist)(?: called| named)?|heißt) (?P<new>[^,;!?]+)\Z",
    _I,
)
_EVERYWHERE = re.compile(
    r"\A(?:please |bitte )?(?:use|take|nimm|nutze|benutze|verwende) (?:(?:the|our|my|den|die|das|unsere?n?|meine?n?) )?"
    rf"(?P<place>{PLACES}) (?P<new>[^,;!?]+?) (?:everywhere|überall)"
    r"(?: (?:in )?(?:here|this workflow)| hier| in diesem workflow)?\Z",
    _I,
)
MARKS = "\"'“”„`"
"""Quotation marks."""
_VAGUE = frozenset("it this that something another other one ones else etwas andere anderen anderes".split())


class NamedPlace(NamedTuple):
    """A place that a person has named."""

    field: str
    """Of steps."""
    name: str
    is_whole: bool
    """Whether the request says nothing else."""
    is_everywhere: bool = False
    """Whether it stands in place of all others of its kind."""


def named_place(said: str) -> NamedPlace | None:
    """Return what `our database is Tasks` names, also at the end of a longer request, and `use … everywhere`."""
    all_of = _EVERYWHERE.match(plain(said))
    if all_of is not None and is_name(all_of["new"]):
        return NamedPlace(
            _FIELDS[all_of["place"].casefold()], all_of["new"].strip(MARKS), is_whole=True, is_everywhere=True
        )
    found = _IS.search(plain(said))
    if found is None:
        return None
    new = found["new"].strip()
    is_called = found["is"].casefold() not in ("is", "ist")
    if not is_name(new) or not (is_called or new != new.lower() or new[0] in MARKS or re.search(r"[#/@\d]", new)):
        return None  # `the channel is missing` names none
    return NamedPlace(_FIELDS[found["place"].casefold()], new.strip(MARKS), found.start() == 0)


def is_name(said: str) -> bool:
    """Return whether words are a name: one word, words in quotation marks, or words that each begin with a capital."""
    words = said.split()
    if said[:1] in MARKS and said[-1:] in MARKS:
        return True
    return not is_vague(said) and (len(words) == 1 or all(not one[0].islower() for one in words))


def is_vague(said: str) -> bool:
    """Return whether words stand for a name that is not said: `another one`."""
    return bool(_VAGUE & {one.casefold() for one in said.split()})


def plain(said: str) -> str:
    """Return a request in one line, without its last full stop."""
    return " ".join(said.strip().rstrip(".!").split())
