"""Rules that corrections propose: two mails of one sender, list or domain that a person has sorted alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from clients.mail.addresses import specs
from clients.mail_server.providers import is_for_anybody
from engine.base.json_text import JsonObject, compact
from engine.mail.rules import MailRule, RuledMail, first_rule
from engine.runs.rules.past_answers import PastAnswer

_FEWEST = 2
"""One correction says nothing about the next mail."""
_MOST_SHOWN = 20


@dataclass(frozen=True)
class MatchedMail:
    """A mail of an earlier run that a rule would have matched."""

    run_id: str
    step: str
    """The path of the step in the run."""
    title: str
    sender: str
    answer: JsonObject
    """What was answered, as corrected, for the fields that the rule answers."""
    is_corrected: bool


@dataclass(frozen=True)
class RuleProposal:
    """A rule that nobody has accepted yet."""

    when: JsonObject
    answer: JsonObject
    corrections: int
    """How many corrections say the same."""
    matches: int
    """How many mails of the newest runs it would have matched."""
    wrong: int
    """How many of these have another answer than the rule's."""
    mails: list[MatchedMail]
    """The first of these mails: those with another answer, then the newest."""
    left_empty: str = ""
    """Which fields it leaves empty that other steps use, in sentences; empty if none."""


def proposals(answers: Sequence[PastAnswer], rules: Sequence[MailRule], fields: Iterable[str]) -> list[RuleProposal]:
    """Return the rules that corrections of a step propose, those with the most corrections first.

    `fields`: those with fixed choices. A mail that a rule matches already proposes nothing.
    """
    known, answers = [*fields], [*_by_mail(answers)]
    corrected = [one for one in answers if one.corrected and first_rule(rules, one.mail) is None]
    found, told = list[RuleProposal](), set[frozenset[str]]()
    for name in ("from", "list", "domain"):  # from the narrowest on: a wider rule must explain more
        for said, alike in _groups(corrected, name).items():
            mails = frozenset(one.mail_id for one in alike)
            answer = _common(alike, known)
            if len(mails) < _FEWEST or not answer or any(mails <= one for one in told):
                continue
            told.add(mails)
            when = {"list" if name == "list" else "from": said}
            found.append(_proposal(when, answer, len(mails), answers))
    return sorted(found, key=lambda one: -one.corrections)


def _by_mail(answers: Iterable[PastAnswer]) -> Iterable[PastAnswer]:
    """Return one answer about each mail: the newest that a person has corrected, else the newest."""
    found: dict[str, PastAnswer] = {}
    for one in answers:
        known = found.get(one.mail_id)
        if known is None or (one.corrected and not known.corrected):
            found[one.mail_id] = one
    return found.values()


def _groups(corrected: Iterable[PastAnswer], name: str) -> dict[str, list[PastAnswer]]:
    """Return the corrections by what their mails have in common; those to another answer form no group."""
    found: dict[tuple[str, str], list[PastAnswer]] = {}
    for one in corrected:
        for text in _texts(one.mail, name):
            found.setdefault((text, compact(dict(sorted(one.corrected.items())))), []).append(one)
    texts = [text for text, _ in found]
    return {text: alike for (text, _), alike in found.items() if texts.count(text) == 1}


def _texts(mail: RuledMail, name: str) -> Iterator[str]:
    """Yield the text of a condition that matches a mail; nothing if it would not say who writes."""
    if name == "list":
        yield from [mail.mailing_list.casefold()] if mail.mailing_list else []
        return
    senders = [] if mail.is_unconfirmed else [one.lower() for one in specs(mail.sender)]
    if len(senders) != 1:
        return
    domain = senders[0].rpartition("@")[2]
    if name == "from":
        yield senders[0]
    elif not is_for_anybody(domain):
        yield domain


def _common(alike: Sequence[PastAnswer], fields: Sequence[str]) -> JsonObject:
    """Return the values that all of these have, as corrected; {} if a field with choices differs."""
    values = [{name: one.right[name] for name in fields if name in one.right} for one in alike]
    return values[0] if len({compact(one) for one in values}) == 1 else {}


def _proposal(when: JsonObject, answer: JsonObject, count: int, answers: Sequence[PastAnswer]) -> RuleProposal:
    rule = MailRule(when, answer)
    matched = [one for one in answers if rule.matches(one.mail)]
    wrong = [one for one in matched if not _agrees(one, answer)]
    shown = [*wrong, *(one for one in matched if _agrees(one, answer))]
    mails = [_matched(one, answer) for one in shown[:_MOST_SHOWN]]
    return RuleProposal(when, answer, count, len(matched), len(wrong), mails)


def _agrees(one: PastAnswer, answer: JsonObject) -> bool:
    return all(compact(one.right.get(name)) == compact(value) for name, value in answer.items())


def _matched(one: PastAnswer, answer: JsonObject) -> MatchedMail:
    said = {name: one.right.get(name) for name in answer}
    return MatchedMail(one.run_id, one.step, one.title, one.mail.sender, said, bool(one.corrected))
