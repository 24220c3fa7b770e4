"""What some answers make, in a sentence; and the titles of the wizard."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import chain, count

from clients.wording import listed
from dashboard.base.language import N_, t, tn
from engine.copilot.wizard.records import Choices, Chosen, ItemCount, ItemFilter, Offer, Offers, WhenToStart
from engine.triggers.cron import cron_words

TITLES = (
    N_("Mail in Gmail"),
    N_("Mail in a mailbox (IMAP)"),
    N_("Mail in Outlook"),
    N_("Issues on GitHub"),
    N_("Pull requests on GitHub"),
    N_("Commits on GitHub"),
    N_("Rows of a Google sheet"),
    N_("Events of a Google calendar"),
    N_("Entries of a feed"),
    N_("Drafts in Gmail"),
    N_("Rows of a database table"),
    N_("Messages of a Slack channel"),
    N_("What people write in a form"),
    N_("A web page that changes"),
    N_("Runs that fail"),
    N_("Open an issue on GitHub"),
    N_("Add it to a Notion database"),
    N_("Write a new page in Notion"),
    N_("Post to Slack"),
    N_("Post to Discord"),
    N_("Send a Telegram message"),
    N_("Draft an answer"),
    N_("Answer the mail"),
    N_("Forward the mail"),
    N_("Put labels on the mail"),
    N_("Mark the mail as read"),
    N_("Archive the mail"),
    N_("Save attached files to a drive"),
    N_("Save attached files in the workspace"),
    N_("Send a mail"),
    N_("Draft a mail"),
    N_("Comment on it"),
    N_("Assign it to people"),
    N_("Label it"),
    N_("Close it"),
    N_("Add a row to a Google sheet"),
    N_("Add it to a table"),
    N_("Write a file"),
)
"""The titles of the sources and targets, so that they are translated."""
PLACES: Mapping[str, str] = {
    "assignees": N_("People"),
    "channel": N_("Channel"),
    "chat": N_("Chat"),
    "database": N_("Database"),
    "folder": N_("Folder"),
    "labels": N_("Labels"),
    "path": N_("File"),
    "repository": N_("Repository"),
    "sheet": N_("Sheet"),
    "spreadsheet": N_("Address of the spreadsheet"),
    "table": N_("Table"),
    "to": N_("To"),
    "url": N_("Address"),
}
"""What a person fills in for a source or target."""
_ARTICLE = re.compile(r"^(?:an?|the|eine?n?) ", re.IGNORECASE)
_LONGEST_TITLE, _LONGEST_ABOUT = 60, 34
AMOUNTS: Mapping[ItemCount, str] = {
    ItemCount.EACH: N_("one by one"),
    ItemCount.LIST: N_("all in one list"),
    ItemCount.COUNT: N_("only how many there are"),
}


def sentence(choices: Choices, offers: Offers) -> str:
    """Return what a workflow of these choices does: when, what, and what then."""
    source = _named(offers.sources, choices.source)
    starts = {
        WhenToStart.HAND: t("When you start it"),
        WhenToStart.NEW: t("Whenever there is something new"),
        WhenToStart.SCHEDULE: cron_words(choices.cron, t) if choices.cron else t("On a schedule"),
    }
    what = "; ".join([t(source.title), *_limits(choices)])
    done = [_done(one, choices, _named(offers.targets, one.target)) for one in choices.targets]
    parts = [t("{when}: {what}.", when=starts[choices.start], what=what), *_read(choices)]
    return " ".join([*parts, t("Then: {what}.", what="; ".join(done))])


def description(choices: Choices, offers: Offers) -> str:
    """Return what a workflow does, without the values of its steps: a person may change those later."""
    targets = tuple(Chosen(target=one.target) for one in choices.targets)
    bare = {"places": {}, "cron": "", "only": ItemFilter(), "kinds": {}, "values": (), "targets": targets}
    return sentence(choices.model_copy(update=bare), offers)


def title(choices: Choices, offers: Offers, taken: Container[str]) -> str:
    """Return a title of at most 60 letters that no other workflow has; it begins with what tells it from others."""
    target = t(_named(offers.targets, choices.targets[0].target).title)
    about = _cut(_about(choices, offers), _LONGEST_ABOUT)
    said = f"{about[:1].upper()}{about[1:]}: {target}"
    endings = chain([""], (f" ({number})" for number in count(2)))
    titles = (f"{_cut(said, _LONGEST_TITLE - len(ending))}{ending}" for ending in endings)
    return next(one for one in titles if one not in taken)


def _about(choices: Choices, offers: Offers) -> str:
    """Return what a workflow is about: the kinds, senders, words or places of its items, or else where they are."""
    only = choices.only
    if choices.kinds:
        return _ARTICLE.sub("", next(iter(choices.kinds)))
    if only.senders:
        return t("Mail from {names}", names=only.senders[0].partition("@")[0] or only.senders[0])
    named = [*only.words, *only.labels] or [one for one in choices.places.values() if one.strip()]
    return named[0] if named else t(_named(offers.sources, choices.source).title)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _limits(choices: Choices) -> Iterator[str]:
    """Yield which items count."""
    only = choices.only
    yield from (one for one in choices.places.values() if one.strip())
    if only.senders:
        yield t("from {names}", names=_any(only.senders))
    if only.words:
        yield t("with {words}", words=_any([f"“{one}”" for one in only.words]))
    if only.labels:
        yield t("with the labels {labels}", labels=listed(list(only.labels)))
    if only.ending:
        yield t("with an attached {ending}", ending=only.ending.upper())
    elif only.has_file:
        yield t("with an attached file")
    yield from _ages(only)
    if only.unassigned:
        yield t("that nobody is assigned to")
    if only.column:
        yield t("with {column} above {number}", column=only.column, number=f"{only.above:g}")
    if only.more_than >= 0:
        yield t("only if there are more than {count}", count=only.more_than)


def _ages(only: ItemFilter) -> Iterator[str]:
    if only.is_new:
        yield t("new since the last time")
    if only.newer_days:
        yield tn("of the last {count} day", "of the last {count} days", only.newer_days)
    if only.older_days:
        yield tn("untouched for {count} day", "untouched for {count} days", only.older_days)


def _any(names: Sequence[str]) -> str:
    return t(" or ").join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _read(choices: Choices) -> Iterator[str]:
    """Yield what a model does."""
    if choices.kinds:
        yield t("A model decides whether it is {kinds}.", kinds=_any([*choices.kinds]))
    if choices.is_summarized:
        yield t("A model sums it up.")
    if choices.values:
        names = ", ".join(one.name for one in choices.values)
        where = t("in each attached file") if choices.is_file_read else t("in the text")
        yield t("A model finds {names} {where}.", names=names, where=where)


def _done(chosen: Chosen, choices: Choices, offer: Offer) -> str:
    """Return what a target does."""
    places = [one for name, one in chosen.places.items() if name != "columns" and one.strip()]
    found = t(offer.title) + (f" ({', '.join(places)})" if places else "")
    if choices.amount is not ItemCount.EACH:
        found += f", {t(AMOUNTS[choices.amount])}"
    if chosen.when:
        found = t("if it is {kind}: {what}", kind=chosen.when, what=found)
    return t("{what}, but ask me first", what=found) if chosen.is_approved else found


def _named(offers: Sequence[Offer], name: str) -> Offer:
    return next(one for one in offers if one.name == name)
