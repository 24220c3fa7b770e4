"""What a request for a new workflow says beside the choices that were made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from engine.copilot.wizard import meanings
from engine.copilot.wizard.amounts import spans, unread
from engine.copilot.wizard.filters import subject_term
from engine.copilot.wizard.named import QUOTED
from engine.copilot.wizard.records import Choices, WhenToStart
from engine.copilot.wizard.times import times_of
from engine.copilot.wizard.unused import CHANNEL, joined_wishes, left_words, unclosed, without

_I = re.IGNORECASE
_HARMLESS = re.compile(
    r"\bno duplicates\b|\bkeine (?:duplikate|doppelten)\b|\bwithout duplicates\b|\bohne duplikate\b|"
    r"\binstead of making (?:a second|another) one\b|\bbut (?=show me|ask me)|\bbefore (?=it |anything |they )|"
    r"\bask me (?:first|before)\b|\baber (?=zeig|frag)|"
    r"\botherwise stay quiet\b|\bform where\b|\bformular,? wo\b",
    _I,
)
_ONLY_DRAFTS = re.compile(r"\b(?:don['’]t|do not|never) send (?:anything|them|it)\b|\bnichts? (?:ab)?senden\b", _I)
_IF_MORE = re.compile(r"\b(?:if|wenn|falls) (?=(?:there are |es )?(?:more than|mehr als))", _I)
_NOBODY = re.compile(
    r"\bwithout (?:anybody|anyone) assigned\b|\bnobody is assigned\b|\bniemandem zugewiesen\b|"
    r"\bnobody (?=(?:has )?(?:touched|wrote) .*?\d)|\bniemand (?=\w+ hat)",
    _I,
)
_WHEN = re.compile(r"\b(?:when(?:ever)?|as soon as|wenn|sobald)\b", _I)
_ELSE = re.compile(
    r"\b(?:delet\w+|remov\w+|trash\w*|unsubscrib\w*|block\w*|snooz\w*|star|"
    r"(?:lösch|entfern|verschieb|abbestell|sperr|druck|kopier)\w*)\b",
    _I,
)
_AGE = re.compile(r"\b(?:older|younger|newer|before|after|since|between|älter|jünger|zwischen|seit)\b", _I)
_WHICH_MAILS = re.compile(r"(?<![\w.@-])(?P<it>[^\W\d_][\w-]*)[ -](?:e-?)?mails\b", _I)
_BEFORE_MAILS = frozenset(
    "a the all any every each such my our your these those this that new incoming and or of in to for from with "
    "by if when which as into are sort split forward archive label tag mark read answer save post send put take "
    "keep summarize list e alle allen solche meine meinen meiner unsere unseren neue neuen neuer eingehende "
    "eingehenden die der den diese dieser und oder aus in von für zu mit bei wenn leite sortiere beantworte "
    "archiviere markiere beschrifte speichere poste".split()
)
"""The words before `mails` that are no kind of mail."""
_WITH_LABEL = re.compile(r"\bissues?(?: in \S+)? (?P<it>(?:with|mit)(?: the| a| dem| einem)? labels?)\b", _I)
_MAILS_WITH = re.compile(r"mails? (?P<it>with|mit) …", _I)
"""Words to look for, which `without` has taken out."""
_WITH_WORD = re.compile(
    r"\b(?:with|mit) (?:the |an? |de[mnr] |einem )?(?:words?|subject|wort|betreff) "
    r"(?P<it>(?!(?:and|or|und|oder)\b)\w[\w-]*)",
    _I,
)
_CLOSED = re.compile(r"\b(?:closed|merged|geschlossene\w?)\b", _I)
_ARCHIVED = re.compile(
    r"\b(?:in|search|through) (?:all|all of|the whole)(?: my| our)? (?:e-?)?(?:mails?|mailbox|gmail)\b|"
    r"\b(?:also|including|even) archived (?:ones|(?:e-?)?mails?)\b|\b(?:in|from) (?:the|my) archive\b|"
    r"\b(?:in allen|auch archivierte\w*) (?:meinen )?(?:e-?)?mails\b|\bauch archivierte\b|\b(?:im|aus dem) archiv\b",
    _I,
)
"""Mail that is not in the inbox, which nothing but the inbox is searched for."""
_THINGS = re.compile(
    r"https?://[^\s\"'<>]+[^\s\"'<>.,;:)]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|"
    rf"{CHANNEL}|"
    r"(?<![\w./:@-])[A-Za-z0-9][\w-]*/[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?![\w/])",
    _I,
)


def dropped(text: str, choices: Choices) -> list[str]:
    """Return the words, places, numbers and wishes of a request that its choices lack; empty if it has none."""
    rest = without(text, ())
    things = places_left(text, choices)
    rest = _THINGS.sub("…", rest)
    rest = without(rest, [*_used(rest, choices), *times_of(rest).used])
    times, amounts = _spans(rest, choices), unread(text)
    words = [*times, *(one for one in amounts if not any(one in each for each in times))]
    numbers = set(re.findall(r"\d+", choices.model_dump_json(exclude={"cron"}, exclude_defaults=True)))
    words += [one for one in left_words(without(rest, amounts)) if not (one.isdigit() and one in numbers)]
    words += _of_sources(rest, choices)
    if any(one.target == "issue" for one in choices.targets):  # labels are for mails, or for issues that are there
        words += [one["it"] for one in _WITH_LABEL.finditer(rest)]
    if not choices.only.words and not choices.only.sender:
        words += [one["it"] for one in _WITH_WORD.finditer(rest)]
    if not choices.only.words and not {one.target for one in choices.targets} & {"answer", "label"}:
        words += [one["it"] for one in _MAILS_WITH.finditer(rest)]
    return [*things, *words, *_other_wishes(rest, choices), *(found[0] for found in _ELSE.finditer(rest))]


def places_left(text: str, choices: Choices) -> list[str]:
    """Return the places and the quoted texts of a request that its choices lack."""
    made = choices.model_dump_json()
    values = set(_values(choices.model_dump()))
    quoted = dict.fromkeys(found["it"].strip() for found in QUOTED.finditer(text))
    lacking = [one for one in quoted if not {one, one.rstrip("/"), subject_term(one)} & values]
    rest = without(text, ())
    return [*(one for one in dict.fromkeys(_THINGS.findall(rest)) if one not in made), *lacking, *unclosed(rest)]


def _values(given: object) -> Iterator[str]:
    """Yield the texts in choices."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping):
        yield from (text for one in given.values() for text in _values(one))
    elif isinstance(given, Sequence):
        yield from (text for one in given for text in _values(one))


def _used(rest: str, choices: Choices) -> Iterator[str]:
    """Yield the words that have become choices, or that change nothing."""
    yield from (found[0] for found in _HARMLESS.finditer(rest))
    if {one.target for one in choices.targets} <= {"draft_answer", "mail_draft"}:
        yield from (found[0] for found in _ONLY_DRAFTS.finditer(rest))
    if choices.only.more_than >= 0 and (found := _IF_MORE.search(rest)):
        yield found[0]
    if (choices.only.unassigned or choices.only.older_days) and (found := _NOBODY.search(rest)):
        yield found[0]
    if choices.kinds and (found := meanings.SORTED.search(rest)):
        yield found["kinds"]
    if choices.start is WhenToStart.NEW and (found := _WHEN.search(rest)):
        yield found[0]


def _of_sources(rest: str, choices: Choices) -> list[str]:
    """Return the kinds of mail, ages and states that are said and are no filter."""
    found = [one[0] for pattern, _ in meanings.SEARCHED if (one := pattern.search(rest))]
    is_mail = choices.source in ("mail", "mailbox")
    archived = [one[0] for one in _ARCHIVED.finditer(rest)]
    several = [*found[1:], *_kinds_of_mail(rest), *archived] if is_mail else []
    ages = [] if choices.only.older_days or choices.only.newer_days else [one[0] for one in _AGE.finditer(rest)]
    closes = any(one.target == "close" for one in choices.targets)
    return [*several, *ages, *([] if closes else (one[0] for one in _CLOSED.finditer(rest)))]


def _spans(rest: str, choices: Choices) -> list[str]:
    """Return the lengths of time that are said and are no filter."""
    only = choices.only
    used = (meanings.UNTOUCHED, meanings.LAST_WEEK) if only.older_days or only.newer_days else ()
    places = [*choices.places.values(), *(one for each in choices.targets for one in each.places.values())]
    return spans(without(rest, [*places, *(found[0] for one in used if (found := one.search(rest)))]))


def _kinds_of_mail(rest: str) -> list[str]:
    """Return the kinds of mail that are said and not known: `private mails`."""
    said = (one["it"] for one in _WHICH_MAILS.finditer(rest))
    known = [*(words for words, _, _ in meanings.KINDS), *(words for words, _ in meanings.SEARCHED)]
    return [one for one in said if one.casefold() not in _BEFORE_MAILS and not any(each.search(one) for each in known)]


def _other_wishes(rest: str, choices: Choices) -> list[str]:
    chosen = {one.target for one in choices.targets}
    names = chosen | {"label"} if "issue_label" in chosen else chosen
    names = names | {"task"} if "page" in chosen else names
    known: Sequence[re.Pattern[str]] = [
        *(words for name, words, _ in meanings.TARGETS if name in names),
        *(meanings.SUMS_UP, meanings.ASKS_FIRST, meanings.SORTED, meanings.COUNTS),
    ]
    return [one for one in joined_wishes(rest) if not any(words.search(one) for words in known)]
