"""Plain words as choices of the wizard: "every Monday at 9 post the open pull requests of acme/app to #general".

English and German. What is named but cannot be found out is asked for; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError

from engine.base.errors import InvalidInput
from engine.copilot.wizard import meanings
from engine.copilot.wizard.checking import check, fits
from engine.copilot.wizard.clauses import masked
from engine.copilot.wizard.decisions import Decisions, decided
from engine.copilot.wizard.dropped import dropped, places_left
from engine.copilot.wizard.filters import subject_term
from engine.copilot.wizard.named import NamedRequest, has, named, targets_of
from engine.copilot.wizard.records import MOST_DAYS, Choices, Chosen, ItemCount, ItemFilter, WhenToStart
from engine.copilot.wizard.senders import question_for, unnamed
from engine.copilot.wizard.sources import BY_NAME as SOURCES
from engine.copilot.wizard.sources import ItemSource
from engine.copilot.wizard.targets import BY_NAME as TARGETS
from engine.copilot.wizard.times import NoSuchTime, cron_of
from engine.copilot.wizard.unused import is_question, parts_between, refusal_of

_I = re.IGNORECASE
_PLACES = {
    "repository": ("in acme/app",),
    "channel": ("to #general", "in #general"),
    "database": ("Tasks", "in Notion Tasks"),
    "to": ("to me@example.com", "an me@example.com"),
    "url": ("of https://blog.example/feed.xml",),
    "sender": ("name@mail.example",),
    "folder": ("under invoices/",),
    "path": ("into the file reports/list.md",),
}
"""Words with which a request names a place, as examples."""
_LONGEST_EXAMPLE = 200
_MADE = {"issue": "issues", "row": "rows", "mail_draft": "drafts"}
"""What a target makes: the words that name it are not those of the source."""

_MAIL = re.compile(r"mails?\b(?!\.\w|@)|\b(?:inbox|postfach|posteingang|gmail|newsletters?)\b", _I)
_SEVERAL = (
    "Several decisions are understood in this form: bug mails become issues in acme/app, task mails become pages in "
    "Notion Tasks. With kinds of your own: sort my mail into sales and support: sales to #sales, support to #support. "
    "Otherwise ask for one of them, and add the next one with “Step by step”."
)


class UnderstoodWords(Struct, frozen=True):
    """What some words mean: choices, or a question for what is missing."""

    choices: Choices | None = None
    question: str = ""
    lacks: str = ""
    """The place that the question is for."""
    instead_of: str = ""
    """The words that the answer takes the place of; empty: it is added at the end."""


def read(text: str) -> UnderstoodWords | None:
    """Return what a request means; None if it is not about items, or asks for more than the wizard can do."""
    found = _read(text)
    if found is None:
        return None
    if found.choices is None:
        return replace(found, question=_asked(found, text))
    beside = [part for part, others in parts_between(text) if _read(others) == found]
    return UnderstoodWords(question=refusal_of(beside)) if beside else found


def _asked(found: UnderstoodWords, text: str) -> str:
    """Return a question with how to answer it: an answer alone is not understood."""
    if not found.question.endswith("?"):
        return found.question
    plain = " ".join(text.split()).rstrip(".!")
    places = _PLACES.get(found.lacks, ()) if len(plain) <= _LONGEST_EXAMPLE else ()
    words = found.instead_of
    tried = (plain.replace(words, one, 1) if words else f"{plain} {one}" for one in places)
    example = next((one for one in tried if _is_example(one, found.lacks)), "")
    what = "address" if found.lacks == "sender" else "name"
    how = f"the {what}, such as: {example}" if example else "the answer in it."
    return f"{found.question} Say it again with {how}"


def _is_example(text: str, lacks: str) -> bool:
    """Return whether a request is whole, with the place that another one lacks."""
    made = _read(text)
    if made is None or made.choices is None:
        return False
    return lacks != "sender" or bool(made.choices.only.sender)


def _read(text: str) -> UnderstoodWords | None:
    """Return what a request means, whatever else it says between semicolons."""
    if is_question(text):
        return None
    said = named(" ".join(text.split()))
    kinds = _sorted_into(said)
    if meanings.BEYOND.search(re.sub("|".join(map(re.escape, kinds)), "", said.plain) if kinds else said.plain):
        return None
    decisions = decided(text)
    return _of_decisions(text, decisions) if decisions is not None else _of_one(text, said, kinds)


def _of_decisions(text: str, decisions: Decisions) -> UnderstoodWords | None:
    """Return the choices of several decisions, each target with its own kind; else the words that are left."""
    if decisions.left:
        return UnderstoodWords(question=f"{refusal_of(decisions.left)} {_SEVERAL}")
    if not _MAIL.search(text) and not any("gmail" in TARGETS[one.target].services for one in decisions.targets):
        return UnderstoodWords(
            question="What should be sorted? If it is mail, say so, such as “bug mails” instead of “bugs”."
        )
    start = WhenToStart.SCHEDULE if decisions.cron else WhenToStart.NEW if decisions.is_new else WhenToStart.HAND
    try:
        choices = Choices(
            source="mail", start=start, cron=decisions.cron, kinds=decisions.kinds, targets=decisions.targets
        )
        check(choices)
    except ValidationError:  # too many of something
        return UnderstoodWords(question=f"These are too many decisions for one request. {_SEVERAL}")
    except InvalidInput as error:
        return _missing(error)
    left = places_left(text, choices)
    return UnderstoodWords(question=f"{refusal_of(left)} {_SEVERAL}") if left else UnderstoodWords(choices)


def _of_one(text: str, said: NamedRequest, kinds: Sequence[str]) -> UnderstoodWords | None:
    """Return the choices of one decision, the same for all kinds that are named; else what is missing or left."""
    targets = [_label(one) for one in kinds] or targets_of(said)
    source = _source(said, targets)
    missing = _asked_for(said, [one.target for one in targets])
    if missing:
        return UnderstoodWords(question=missing)
    if not targets:
        return UnderstoodWords(question=_question(source)) if meanings.TELLS.search(said.text) else None
    if source is None:
        return None
    if source.name in ("mail", "mailbox") and (asked := _of_senders(said)):
        return asked
    fitting = [one for each in targets if (one := _fitted(each, source))]
    try:
        choices = _choices(said, source, fitting, kinds)
        check(choices)
    except ValidationError:  # too many of something
        return _too_old(said)
    except InvalidInput as error:
        return _missing(error)
    except NoSuchTime as error:
        return UnderstoodWords(question=str(error))
    unused = dropped(text, choices)
    return UnderstoodWords(question=refusal_of(unused)) if unused else UnderstoodWords(choices)


def _of_senders(said: NamedRequest) -> UnderstoodWords | None:
    """Return the question for an address, or that only one sender can be asked for; None if nothing is missing."""
    sender = unnamed(said.text)
    if sender:
        return UnderstoodWords(question=question_for(sender), lacks="sender", instead_of=sender)
    several = list(dict.fromkeys([*said.texts_of("sender"), *said.senders]))[1:]
    return UnderstoodWords(question=refusal_of(several)) if several else None


def _sorted_into(said: NamedRequest) -> list[str]:
    """Return the kinds of "sort my inbox into work, private and advertising"."""
    found = meanings.SORTED.search(masked(said.text))
    return re.split(r",? (?:and|or|und|oder) |, ", found["kinds"]) if found else []


def _label(kind: str) -> Chosen:
    return Chosen(target="label", places={"labels": kind}, when=kind)


def _asked_for(said: NamedRequest, found: Sequence[str]) -> str:
    """Return a question for what a target lacks whose words are there; empty if nothing is missing."""
    hidden = {other for one in found for other in meanings.REPLACES.get(one, ())}
    hidden |= {part for part, _ in said.looked_for}  # `with the label "x"` is no wish for one
    for name, words, place in meanings.TARGETS:
        is_missing = name in meanings.ASKED_FOR and name not in (*found, *hidden) and not has(said, place)
        if is_missing and words.search(said.text):
            return meanings.ASKED_FOR[name]
    return ""


def _question(source: ItemSource | None) -> str:
    what = "" if source else "What should it be about: mail, issues, a feed, a form or something else? "
    return f"{what}Where should it go: a Slack channel, a Notion database, a repository, an address?"


def _missing(error: InvalidInput) -> UnderstoodWords | None:
    """Return a question for a place that is missing; None if the words do not fit at all."""
    place = str(error.details.get("field", ""))
    lacks = place.rpartition(".")[2]
    return UnderstoodWords(question=f"Which {lacks}?", lacks=lacks) if "places." in place else None


def _too_old(said: NamedRequest) -> UnderstoodWords | None:
    """Return the question about an age that is too long; None if none is."""
    found = meanings.UNTOUCHED.search(said.text)
    is_too_old = found is not None and int(found["n"]) > MOST_DAYS
    return UnderstoodWords(question=f"That is too long ago: say at most {MOST_DAYS} days.") if is_too_old else None


def _source(said: NamedRequest, targets: Sequence[Chosen]) -> ItemSource | None:
    """Return the source that the words name and that at least one target fits; mail, if only mail has such a target."""
    made = {_MADE.get(one.target, "") for one in targets}
    for name, words in meanings.SOURCES:
        source = SOURCES[name]
        if name in made:
            continue
        is_fitting = not targets or any(_fitted(one, source) for one in targets)
        if is_fitting and all(one in said.places for one in source.places) and words.search(said.text):
            return source
    is_of_mail = any("gmail" in TARGETS[one.target].services for one in targets)
    return SOURCES["mail"] if is_of_mail else None


def _fitted(chosen: Chosen, source: ItemSource) -> Chosen | None:
    """Return a target as it fits a source: the label of a mail or of an issue, a page that is kept or a new one."""
    others = {"label": "issue_label", "task": "page"}
    for name in (chosen.target, others.get(chosen.target, "")):
        if name and fits(TARGETS[name], source):
            return chosen.model_copy(update={"target": name})
    return None


# --- which ones, when, and how many


def _choices(said: NamedRequest, source: ItemSource, targets: Sequence[Chosen], sorted_into: Sequence[str]) -> Choices:
    cron = cron_of(said.text)
    is_new = bool(source.trigger) and not cron and bool(meanings.WHEN_NEW.search(said.text))
    start = WhenToStart.SCHEDULE if cron else WhenToStart.NEW if is_new or not source.uses else WhenToStart.HAND
    amount = _amount(said, source, targets, start)
    kinds = {one: one for one in sorted_into} or _kinds(said, source, amount)
    of_kinds = [one.model_copy(update={"when": when}) for one in targets for when in (kinds or {"": ""})]
    chosen = targets if sorted_into else of_kinds
    return Choices(
        source=source.name,
        places={one: said.places[one] for one in (*source.places, *source.optional) if one in said.places},
        start=start,
        cron=cron,
        only=_only(said, source),
        kinds=kinds,
        amount=amount,
        is_summarized=bool(meanings.SUMS_UP.search(said.text)),
        targets=tuple(chosen),
    )


def _amount(said: NamedRequest, source: ItemSource, targets: Sequence[Chosen], start: WhenToStart) -> ItemCount:
    """Return how many items the targets are about: a summary or a list if all of them can have one, and it is said."""
    common = [one for one in ItemCount if all(one in TARGETS[each.target].amounts for each in targets)]
    is_event = start is WhenToStart.NEW and not source.ids
    if common == [ItemCount.EACH] or is_event:
        return ItemCount.EACH
    if meanings.COUNTS.search(said.text) and ItemCount.COUNT in common:
        return ItemCount.COUNT
    if ItemCount.EACH in common and (
        meanings.EACH.search(said.text) or (start is not WhenToStart.SCHEDULE and _is_many(targets))
    ):
        return ItemCount.EACH
    return ItemCount.LIST if ItemCount.LIST in common else common[0]


def _is_many(targets: Sequence[Chosen]) -> bool:
    """Return whether the targets are such that people mean one for each item."""
    return all(one.target in ("issue", "task", "page", "record", "row") and not one.title for one in targets)


def _kinds(said: NamedRequest, source: ItemSource, amount: ItemCount) -> dict[str, str]:
    if source.name not in ("mail", "mailbox") or amount is not ItemCount.EACH:
        return {}
    return {name: what for words, name, what in meanings.KINDS if words.search(said.plain)}


def _only(said: NamedRequest, source: ItemSource) -> ItemFilter:
    """Return the filters that the words name and the source has."""
    quoted = {"words": said.texts_of("words"), "labels": said.texts_of("label")}
    given: dict[str, Any] = {name: texts for name, texts in quoted.items() if texts}
    if source.name in ("mail", "mailbox"):
        given |= _of_mail(said)
    days = meanings.UNTOUCHED.search(said.text)
    if days:
        given["older_days" if meanings.QUIET.search(said.text) else "newer_days"] = int(days["n"])
    elif meanings.LAST_WEEK.search(said.text):
        given["newer_days"] = 7
    over, more = meanings.OVER.search(said.text), meanings.MORE_THAN.search(said.text)
    if over and source.name == "rows":
        given |= {"column": over["column"], "above": float(over["n"])}
    elif more:
        given["more_than"] = int(more["n"])
    label = meanings.WITH_LABEL.search(said.text)
    if label:
        given["labels"] = (label["it"],)
    if meanings.UNASSIGNED.search(said.text):
        given["unassigned"] = True
    if source.name == "issues" and re.search(r"\bbugs (?:in|of)\b", said.text, _I):
        given["labels"] = ("bug",)
    return ItemFilter(**{name: one for name, one in given.items() if name in source.filters or name == "above"})


def _of_mail(said: NamedRequest) -> dict[str, Any]:
    found: dict[str, Any] = {}
    words = next((some for pattern, some in meanings.SEARCHED if pattern.search(said.plain)), ())
    words = (*said.texts_of("words"), *map(subject_term, said.texts_of("subject"))) or words
    if words:
        found["words"] = words
    senders = [*said.texts_of("sender"), *said.senders]
    if senders:
        found["sender"] = senders[0]
    if re.search(r"\battachments?\b|\banh[aä]ng", said.text, _I):
        found["has_file"] = True
        ending = meanings.ENDING.search(said.text)
        if ending:
            found["ending"] = ending["it"].casefold()
    return found
