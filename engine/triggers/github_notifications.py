"""GitHub notifications of the account: mentions and review requests."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias, TypedDict

from msgspec.structs import replace

from clients.listing import UnreadableItem, readable
from engine.base.clock import moment_of, timestamp
from engine.base.json_text import JsonObject
from engine.plugins.step import Fields, JsonValue, Output, address, destination, outside
from engine.plugins.trigger import Found, Item, Look, unreadable_item
from engine.triggers.github import OVERLAP, WRITTEN_BY_US, OfGitHub

_AT_ONCE = 30
"""Threads looked up in one poll: each takes some requests, and a poll has two minutes."""


Thing: TypeAlias = JsonObject | UnreadableItem
"""A mention or review request in a thread, or a thread that cannot be read."""


class Thread(TypedDict):
    """A thread that changed."""

    repository: str
    number: int
    updated_at: str


class NotifiedFields(Fields):
    """The repository to watch, or all."""

    repository: str = destination("Only in this repository (empty: in all)", "", format="github-repository")


class _Notified(OfGitHub):
    """Watches notifications: threads that changed, in which mentions and requests are looked up."""

    start_from = ("now", "since")

    @abstractmethod
    def things(self, look: Look, place: Thread) -> Iterable[Thing]:
        """Yield the mentions or requests of a thread, each with its id and time."""

    def source(self, fields: NotifiedFields) -> str:
        """Return an empty text: an account has one list of notifications."""
        return ""

    def look(self, look: Look) -> Found:
        """List what is new in the threads that changed since the cursor.

        The cursor is {from: time, since: time, modified, reached: time}, all in GitHub's time, not ours. Events before
        `from` never count. An unchanged list is answered with 304. In a long list, the threads that changed first are
        looked up, and `reached` is the change to continue from.
        """
        cursor: JsonObject = look.cursor or {}
        since = moment_of(cursor["since"]) if cursor else look.start.since
        page = look.client.feeds.notifications(since or look.now, cursor.get("modified", ""))
        if page is None:
            return Found([], cursor)
        again_at = look.now + timedelta(seconds=page.poll_seconds) if page.poll_seconds > self.poll_seconds else None
        if not cursor:
            start = look.start.since or page.at
            first = {"from": timestamp(start), "since": timestamp(start - OVERLAP), "modified": "", "reached": ""}
            return Found([], first, has_more=look.start.since is not None, look_again_at=again_at)
        return self._found(look, page, again_at)

    def _found(self, look: Look, page: Any, again_at: datetime | None) -> Found:
        cursor = look.cursor
        wanted = look.fields.repository.strip().lower()
        places = [each for each in page.items if wanted in {"", each["repository"].lower()}]
        places, later = _some([each for each in places if each["updated_at"] >= cursor["reached"]])
        earliest = moment_of(cursor["from"])
        things = [thing for place in places for thing in self._things_in(look, place)]
        dead = [unreadable_item(one) for one in (*page.unreadable, *things) if isinstance(one, UnreadableItem)]
        good = [thing for thing in things if not isinstance(thing, UnreadableItem)]
        new = {str(thing["id"]): thing for thing in good if moment_of(thing["at"]) >= earliest}
        due = sorted((new[name] for name in look.unseen(new)), key=lambda thing: moment_of(thing["at"]))
        items = [*dead, *(_thing_item(thing) for thing in due[: look.limit])]
        if len(due) > look.limit:
            return Found(items, {**cursor, "modified": ""}, has_more=True)
        if later:
            reached = later[0]["updated_at"]
            since = max(cursor["since"], _less_overlap(reached), key=moment_of)
            return Found(items, {**cursor, "since": since, "modified": "", "reached": reached}, has_more=True)
        since = max([cursor["since"], *(_less_overlap(each["updated_at"]) for each in page.items)], key=moment_of)
        modified = page.settled if since == cursor["since"] else ""
        return Found(items, {**cursor, "since": since, "modified": modified, "reached": ""}, look_again_at=again_at)

    def _things_in(self, look: Look, place: Thread) -> list[Thing]:
        """Return the mentions or requests of a thread; if they cannot be read, the thread as unreadable."""
        whole = readable([place], lambda one: {"things": list(self.things(look, one))})
        return [thing for each in whole for thing in (each["things"] if isinstance(each, dict) else [_named(each)])]


def _named(thread: UnreadableItem) -> UnreadableItem:
    """Return an unreadable thread with an id for each of its changes, and its address as title."""
    where = f"{thread.raw['repository']}#{thread.raw['number']}"
    return replace(thread, id=f"{where}:{thread.raw['updated_at']}", title=where)


def _some(places: Sequence[Thread]) -> tuple[list[Thread], list[Thread]]:
    """Split a list, newest first, into (places that changed first, later ones), never within the same second."""
    rising = list(reversed(places))
    end = _AT_ONCE
    while end < len(rising) and rising[end]["updated_at"] == rising[end - 1]["updated_at"]:
        end += 1
    return rising[:end], rising[end:]


def _less_overlap(at: str) -> str:
    return timestamp(moment_of(at) - OVERLAP)


def _thing_item(thing: Mapping[str, JsonValue]) -> Item:
    skip = WRITTEN_BY_US if thing.get("is_own") else ""
    value = {name: one for name, one in thing.items() if name != "is_own"}
    return Item(str(thing["id"]), value, str(thing["title"]), moment_of(str(thing["at"])), skip)


class MentionItem(Output):
    """A text that mentions the account."""

    id: str
    kind: Literal["issue", "comment"]
    repository: str = outside("Repository")
    number: int
    title: str = outside("Title")
    url: str = address("Address")
    text: str = outside("Text")
    author: str = outside("Author")
    at: str


class Mention(_Notified):
    """Starts a run for each issue, pull request or comment that mentions the account (@name).

    Texts written by the account itself or by a workflow are left out. Review comments on lines are not searched. GitHub
    requires a classic token with the scope `notifications` or `repo`.
    """

    name = "github.mention"
    title = "You are mentioned on GitHub"
    happens = "somebody mentions you on GitHub"
    unmade = "GitHub notifies nobody of what they did themselves."
    fields = NotifiedFields
    item = MentionItem

    def things(self, look: Look, place: Thread) -> Iterable[Thing]:
        """Yield the texts that mention the account."""
        mentions: Iterable[Thing] = look.client.feeds.mentions(
            place["repository"], place["number"], look.client.account()
        )
        return mentions


class ReviewRequestItem(Output):
    """A pull request that the account is asked to review; `by` is who asked."""

    id: str
    repository: str = outside("Repository")
    number: int
    title: str = outside("Title")
    url: str = address("Address")
    text: str = outside("Text")
    author: str = outside("Author")
    by: str = outside("Who asked")
    at: str


class ReviewRequest(_Notified):
    """Starts a run each time the account is asked to review an open pull request; repeated requests count, too.

    GitHub requires a classic token with the scope `notifications` or `repo`.
    """

    name = "github.review_request"
    title = "Your review is requested on GitHub"
    happens = "your review is requested on GitHub"
    unmade = "GitHub notifies nobody of what they did themselves."
    fields = NotifiedFields
    item = ReviewRequestItem

    def things(self, look: Look, place: Thread) -> Iterable[Thing]:
        """Yield the review requests."""
        requests: Iterable[Thing] = look.client.feeds.review_requests(
            place["repository"], place["number"], look.client.account()
        )
        return requests
