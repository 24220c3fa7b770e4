"""What GitHub notifies the account of: texts that name it, requests for its review."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from engine.names import moment_of, timestamp
from engine.step import Fields, JsonValue, Output, destination, outside
from engine.trigger import Found, Item, Look
from engine.triggers.github import OVERLAP, WRITTEN_BY_US, OfGitHub

_AT_ONCE = 30
"""So many threads are looked up in one look: each takes some requests, and a look has two minutes."""


class NotifiedFields(Fields):
    """Where it counts."""

    repository: str = destination("Only in this repository (empty: in all)", "", format="github-repository")


class _Notified(OfGitHub):
    """What GitHub notifies the account of: threads that changed, in which the things themselves are looked up."""

    start_from = ("now", "since")

    @abstractmethod
    def things(self, look: Look, place: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        """Give what in a thread counts, each with its id and time."""

    def source(self, fields: NotifiedFields) -> str:
        """Return nothing: the notifications of an account are one list."""
        return ""

    def look(self, look: Look) -> Found:
        """List what is new in the threads that changed since the cursor.

        The cursor is {from: time, since: time, modified, reached: time}: what came before `from` never counts; GitHub's
        own times, not ours. A list without a change is answered 304. Of a long list the threads that changed first are
        looked up, and `reached` says from which change to go on.
        """
        cursor: Mapping[str, Any] = look.cursor or {}
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
        new = {
            str(thing["id"]): thing
            for place in places
            for thing in self.things(look, place)
            if moment_of(thing["at"]) >= earliest
        }
        due = sorted((new[name] for name in look.unseen(new)), key=lambda thing: moment_of(thing["at"]))
        items = [_thing_item(thing) for thing in due[: look.limit]]
        if len(due) > look.limit:
            return Found(items, {**cursor, "modified": ""}, has_more=True)
        if later:
            reached = later[0]["updated_at"]
            since = max(cursor["since"], _less_overlap(reached), key=moment_of)
            return Found(items, {**cursor, "since": since, "modified": "", "reached": reached}, has_more=True)
        since = max([cursor["since"], *(_less_overlap(each["updated_at"]) for each in page.items)], key=moment_of)
        modified = page.settled if since == cursor["since"] else ""
        return Found(items, {**cursor, "since": since, "modified": modified, "reached": ""}, look_again_at=again_at)


def _some(places: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return (the places that changed first, the later ones) of what is listed newest first; a second is not parted."""
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
    """A text that names the account."""

    id: str
    kind: Literal["issue", "comment"]
    repository: str
    number: int
    title: str = outside("Title")
    url: str
    text: str = outside("Text")
    author: str
    at: str


class Mention(_Notified):
    """Starts a run for each issue, pull request or comment in which somebody names the account (@name).

    What the account wrote itself, or a workflow, is left out. Words in the lines of a review are not looked at. GitHub
    tells this to classic tokens only, with the scope `notifications` or `repo`.
    """

    name = "github.mention"
    title = "Somebody names you on GitHub"
    fields = NotifiedFields
    item = MentionItem

    def things(self, look: Look, place: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        """The texts that name the account."""
        mentions: Iterable[Mapping[str, Any]] = look.client.feeds.mentions(
            place["repository"], place["number"], look.client.account()
        )
        return mentions


class ReviewRequestItem(Output):
    """A pull request that the account is asked to review; `by` asked."""

    id: str
    repository: str
    number: int
    title: str = outside("Title")
    url: str
    text: str = outside("Text")
    author: str
    by: str
    at: str


class ReviewRequest(_Notified):
    """Starts a run each time that the account is asked to review an open pull request; a second time counts, too.

    GitHub tells this to classic tokens only, with the scope `notifications` or `repo`.
    """

    name = "github.review_request"
    title = "Your review is asked for on GitHub"
    fields = NotifiedFields
    item = ReviewRequestItem

    def things(self, look: Look, place: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        """The requests for a review."""
        requests: Iterable[Mapping[str, Any]] = look.client.feeds.review_requests(
            place["repository"], place["number"], look.client.account()
        )
        return requests
