"""A request as clauses: what each is about (bugs, tasks, every mail), what is done with it, and its unknown words.

Here every word must be known: what is on no list is left over, and so cannot be dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from engine.copilot.wizard.checking import fits
from engine.copilot.wizard.meanings import MailKind
from engine.copilot.wizard.named import IN_TEXT, QUOTED, NamedRequest, chosen_of, named, targets_of
from engine.copilot.wizard.records import Chosen, ItemCount
from engine.copilot.wizard.sources import BY_NAME as SOURCES
from engine.copilot.wizard.targets import BY_NAME as TARGETS

_I = re.IGNORECASE
_BETWEEN = re.compile(r" ?[,;.:!?]+(?: |$)| (?=(?:and|und|while|whereas|während|sowie) )", _I)
_JOINED = re.compile(r"\W*(?:and|und|sowie)\b", _I)
_WITH_QUOTED = re.compile(rf"(?:\b(?:with|mit|as|als) )?(?:{QUOTED.pattern})", _I)
_WORD = re.compile(r"[#\w][\w'’./@#-]*")
_EVERYTHING = re.compile(
    r"\b(?:every|each|all|any|new|incoming|jede[rs]?|alle|neue|eingehende)(?: new| incoming| neue[nr]?)? "
    r"(?:e-?)?mails?\b|\b(?:e-?mails|everything|alles)\b",
    _I,
)
_SAME = re.compile(r"\b(?:it|them|they|sie|es|diese|(?:the|this|these|die|der) (?:e-?)?mails?)\b", _I)
_BECOME_TASKS = re.compile(
    r"\b(?:becomes?|into|as|to|werden|zu|als)(?: a| an| einer?)?(?: new| neue)? (?:tasks?|to-?dos?|aufgaben?)\b", _I
)
_SORTS = re.compile(r"(?:please |bitte )?(?:sort|split|sortiere?|teile)\b", _I)
_ISSUE = re.compile(r"\b(?:issues?|tickets?)\b", _I)
_SENDS = re.compile(r"\b(?:send|sent|schick\w*)\b|^mail\b", _I)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PLAIN = _set(
    "a an the my our of and or to into in on as for please also then too every each all any new incoming it them "
    "they that mail mails email emails e-mail e-mails everything become becomes turn turns turned made should "
    "will be are is get gets go goes keep put create add arrive arrives come comes when whenever if der die das "
    "den dem des ein eine einen einem einer meine meinen meiner unsere unseren und oder zu zum zur als im ins "
    "nach auf an für bei bitte auch dann jede jeder jedes jeden alle allen neue neuen neuer eingehende "
    "eingehenden sie es werden wird sollen soll sind ist bekommt bekommen erhält erhalten geht gehen kommt kommen "
    "alles wenn falls lege leg mach mache while whereas während sowie rein herein an uhr o'clock"
)
_CONDITION = _set(
    "a an the my our for when whenever if where of mail mails email emails it they that is are and or also new "
    "arrives comes in model about ein eine einem einen der die das dem den für bei wenn falls wo es sich modell "
    "ist sind und oder auch neue kommt ankommt sie er"
)
"""The words of a clause that only says what the next one is about."""
_OF_TARGETS = {
    "issue": _set(
        "issue issues ticket tickets github open opens opened file anlegen erstellen erstelle öffne öffnen an"
    ),
    "task": _set("notion page pages seite seiten database datenbank write written schreib schreibe anlegen an"),
    "post": _set(
        "slack channel kanal post posts posted posting tell us announce announced notify write send sent melde melden "
        "gemeldet poste posten gepostet schreib schreibe"
    ),
    "forward": _set("forward forwarded weiterleiten weitergeleitet leite leiten weiter"),
    "label": _set("label labels labelled labeled tag tagged beschrifte beschriften beschriftet"),
    "archive": _set("archive archived archiviere archivieren archiviert"),
    "mark_read": _set("mark marked read markiere markieren markiert gelesen"),
    "answer": _set("answer answered reply beantworte beantworten beantwortet"),
    "draft_answer": _set(
        "draft drafts answer answers reply replies write me antwort antworten entwurf antwortentwürfe"
    ),
    "mail": _set("send sent schick schicke schicken"),
    "files_to_drive": _set("save attachment attachments drive google folder anhänge ordner"),
    "files_to_folder": _set("save attachment attachments folder under anhänge unter ordner"),
    "record": _set("table tabelle remember note called"),
}
"""The words that belong to a target; those of others are not known beside it."""


class Clause(Struct, frozen=True):
    """A part of a request."""

    text: str
    is_joined: bool
    """Whether `and` stands before it."""
    kinds: tuple[str, ...]
    """The kinds of items that it names."""
    is_of_all: bool
    """Whether it names every item."""
    is_of_same: bool
    """Whether it only points to what was named before: `archive it`."""
    targets: tuple[Chosen, ...]
    quoted: tuple[str, ...]
    unknown: tuple[str, ...]
    """The words that are on no list."""
    is_condition: bool
    """Whether it only says what the next clause is about: `if it is a bug`."""


def clauses_of(text: str, kinds: Sequence[MailKind]) -> list[Clause]:
    """Return the clauses of a text in which these kinds may be named."""
    return [_clause(one, kinds) for one in _parts(text)]


def masked(text: str) -> str:
    """Return a text of the same length with nothing in its quotation marks that could be read as words."""
    return QUOTED.sub(lambda found: f'"{"_" * (len(found[0]) - 2)}"', text)


def times_of_one(text: str, times: Sequence[str]) -> list[str]:
    """Return the times that are said of one clause only; those at the very beginning, and those alone, are for all."""
    left: list[str] = []
    is_beginning = True
    for part in _parts(text):
        rest = _without_first(part, times) if is_beginning else part
        is_beginning = is_beginning and not _WORD.search(rest)
        is_for_all = _SORTS.match(part) or not _WORD.search(_without_first(part, times))
        left += [] if is_for_all else [one.strip() for one in times if one in rest]
    return left


def _without_first(part: str, times: Sequence[str]) -> str:
    """Return a part without the times that it begins with."""
    before = ""
    while before != part:
        before = part
        for one in ("and ", "und ", "Uhr", "o'clock", *(one.strip() for one in times)):
            part = part.removeprefix(one).lstrip()
    return part


def unknown_words(text: str, known: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the words of a text that are neither plain ones nor among `known`, each once."""
    words = (one.rstrip(".'’-/") for one in _WORD.findall(text))
    return tuple(dict.fromkeys(one for one in words if one and one.casefold() not in _PLAIN | known))


def _parts(text: str) -> Iterator[str]:
    hidden, begins = masked(text), 0
    for found in [*_BETWEEN.finditer(hidden), None]:
        part = text[begins : found.start() if found else None].strip()
        begins = found.end() if found else begins
        if _WORD.search(part):
            yield part


def _clause(text: str, kinds: Sequence[MailKind]) -> Clause:
    said = named(text)
    targets = _targets(said)
    bare = _bare(said, targets)
    found, wrong, rest = _kinds(bare, kinds)
    is_of_all = bool(_EVERYTHING.search(rest)) and not found
    known = frozenset[str]().union(*(_OF_TARGETS.get(_family(one.target), frozenset()) for one in targets))
    without_targets = not targets
    words = unknown_words(rest, known | (_CONDITION if without_targets else frozenset()))
    plain = {one.casefold() for one in _WORD.findall(rest)}
    return Clause(
        text=text,
        is_joined=bool(_JOINED.match(text)),
        kinds=tuple(found),
        is_of_all=is_of_all,
        is_of_same=bool(_SAME.search(rest)) and not is_of_all,
        targets=tuple(targets),
        quoted=(*(one for _, one in said.looked_for), *said.quoted),
        unknown=(*wrong, *words),
        is_condition=without_targets and plain <= _CONDITION,
    )


def _family(target: str) -> str:
    return {"page": "task", "mail_draft": "draft_answer"}.get(target, target)


def _targets(said: NamedRequest) -> list[Chosen]:
    """Return what is done with a mail, also where the verb is left out: `bugs to issues in acme/app`."""
    found = [one for one in targets_of(said) if _is_for_mail(said, one)]
    names = {one.target for one in found}
    if "repository" in said.places and "issue" not in names and _ISSUE.search(said.text):
        found.append(chosen_of(said, "issue", is_approved=False))
    if not found and "channel" in said.places:
        found.append(chosen_of(said, "post", is_approved=False))
    is_named = "label" in names  # a quoted text is then the label, and no title
    return [one.model_copy(update={"title": ""}) if is_named else one for one in found]


def _is_for_mail(said: NamedRequest, chosen: Chosen) -> bool:
    target = TARGETS[chosen.target]
    is_meant = chosen.target != "mail" or bool(_SENDS.search(said.text))
    return fits(target, SOURCES["mail"]) and ItemCount.EACH in target.amounts and is_meant


def _bare(said: NamedRequest, targets: Sequence[Chosen]) -> str:
    """Return a clause without quoted texts, and without the places that its targets have."""
    bare = _WITH_QUOTED.sub(" … ", said.text)
    places = {name: value for one in targets for name, value in one.places.items()}
    for name in IN_TEXT:
        if name in places:
            bare = bare.replace(places[name], " … ", 1)
    if "database" in places:
        place = re.escape(places["database"])
        bare = re.sub(rf"(?P<before>[Nn]otion \(?|\bin ){place}\b", r"\g<before> … ", bare, count=1)
        bare = _BECOME_TASKS.sub(" … ", bare)
    if "table" in places:
        bare = re.sub(
            rf"\b{re.escape(places['table'])}\b(?= table)|(?<=[Tt]able ){re.escape(places['table'])}", "…", bare
        )
    return bare


def _kinds(bare: str, kinds: Sequence[MailKind]) -> tuple[list[str], list[str], str]:
    """Return the kinds that a clause names, those that another word stands before, and the clause without them."""
    spans = sorted((found.start(), found.end(), one.name) for one in kinds for found in one.words.finditer(bare))
    names: list[str] = []
    wrong: list[str] = []
    rest, last = "", 0
    for start, end, name in spans:
        if start < last:
            continue
        between = {one.casefold() for one in _WORD.findall(bare[last:start])}
        if names and name not in names and not between <= {"or", "oder", "and", "und", "also", "auch"}:
            wrong.append(bare[start:end])
        elif name not in names:
            names.append(name)
        rest, last = f"{rest}{bare[last:start]} … ", end
    return names, wrong, rest + bare[last:]
