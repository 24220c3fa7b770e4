"""Polls GitHub with conditional requests (ETag, Last-Modified), so that an unchanged answer costs nothing.

"Best practices for using the REST API" (docs.github.com): a conditional request answered with 304 does not count, and
`X-Poll-Interval` says how often notifications may be polled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from clients.errors import AuthError, NotFound
from clients.github import values as github_values
from clients.github.api import GitHubApi
from clients.github.transport import reading
from clients.listing import Json, UnreadableItem, readable, times_of

_NEXT = re.compile(r'<([^<>]+)>;\s*rel="next"')
_SUBJECT = re.compile(r"/repos/([^/]+/[^/]+)/(?:issues|pulls)/([0-9]+)\Z")


_SETTLED_SECONDS = 3.0
"""`Last-Modified` has whole seconds: more may change within the last one (RFC 9110 8.8.2.2)."""
_CLASSIC_ONLY = (
    "GitHub shows notifications only to classic tokens with the scope `notifications` or `repo`: "
    "make one at https://github.com/settings/tokens/new."
)


class FeedPage(Struct, frozen=True):
    """One page of a list as received, with the validators for the next request."""

    items: list[Json]
    unreadable: list[UnreadableItem]
    """Items of the page that cannot be read."""
    etag: str
    modified: str
    at: datetime
    """GitHub's time."""
    poll_seconds: float
    """The minimum poll interval, if GitHub sets one."""
    following: str
    """The URL of the next page, empty for the last."""

    @property
    def settled(self) -> str:
        """Return the time of the last change, to ask by next time; empty while that second may still bring more."""
        is_settled = bool(self.modified) and (self.at - _time(self.modified)).total_seconds() >= _SETTLED_SECONDS
        return self.modified if is_settled else ""


class Feeds:
    """Lists that are polled."""

    def __init__(self, api: GitHubApi) -> None:
        self._api = api

    def issues(self, repository: str, query: Mapping[str, Any], etag: str = "") -> FeedPage | None:
        """Return issues (and pull requests, marked `is_pull`) in GitHub's order; None if nothing has changed.

        Each has `repository`, and `is_own` if this program wrote it.
        """
        page = self._page(f"{self._api.repository(repository).url}/issues", query, etag)
        return None if page is None else _shaped(page, _issue)

    def more_issues(self, page: FeedPage) -> FeedPage:
        """Return the next page of issues."""
        return self._after(page, _issue)

    def releases(self, repository: str, etag: str = "") -> FeedPage | None:
        """Return the first page of releases, newest first; None if nothing has changed."""
        page = self._page(f"{self._api.repository(repository).url}/releases", {"per_page": 100}, etag)
        return None if page is None else _shaped(page, _release)

    def more_releases(self, page: FeedPage) -> FeedPage:
        """Return the next page of releases."""
        return self._after(page, _release)

    def notifications(self, since: datetime | None, modified: str = "") -> FeedPage | None:
        """Return all notification threads the account participates in, [{repository, number}]; None: nothing new."""
        # `all`: a person may have read a thread before this program asks.
        # 50 is the most that GitHub takes here.
        query: Json = {"all": "true", "participating": "true", "per_page": 50}
        if since is not None:
            query["since"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            page = first = self._page("/notifications", query, modified=modified)
        except (AuthError, NotFound) as error:
            error.remedy = _CLASSIC_ONLY
            raise
        if page is None or first is None:
            return None
        found = list(page.items)
        while page.following:
            page = self._page(page.following, {})
            assert page is not None
            found += page.items
        places = list(readable(found, _place))
        here = [one for one in places if not isinstance(one, UnreadableItem) and one["number"]]
        return replace(first, items=here, unreadable=[one for one in places if isinstance(one, UnreadableItem)])

    def mentions(self, repository: str, number: int, login: str) -> Iterator[Json | UnreadableItem]:
        """Yield each text of an issue or pull request where somebody else mentions the account.

        {id, kind, repository, number, title, url, text, author, is_own, at}; nothing if it is gone.
        """
        # Not a part of a mail address, a path or a longer name.
        names = re.compile(rf"(?<![\w/-])@{re.escape(login)}(?![\w-])", re.IGNORECASE)
        for text in self._texts(repository, number):
            if isinstance(text, UnreadableItem) or (
                text["author"].lower() != login.lower() and names.search(text["text"])
            ):
                yield text

    def _texts(self, repository: str, number: int) -> Iterator[Json | UnreadableItem]:
        address = self._api.issue(repository, number).url
        try:
            issue = self._document(address)
        except NotFound:
            return
        about = {"repository": repository, "number": number, "title": str(issue.get("title") or "")}
        yield from readable([issue], lambda one: {"id": f"issue-{one['id']}", "kind": "issue", **about, **_text(one)})
        comments = self._all(f"{address}/comments", {"per_page": 100})
        yield from readable(
            comments, lambda one: {"id": f"comment-{one['id']}", "kind": "comment", **about, **_text(one)}
        )

    def review_requests(self, repository: str, number: int, login: str) -> Iterator[Json | UnreadableItem]:
        """Yield each review request of a pull request to the account (or a team).

        {id, repository, number, title, url, text, author, by, at}; nothing if it is gone, closed or not a pull request.
        """
        try:
            pull = self._document(self._api.pull(repository, number).url)
        except NotFound:
            return

        def request(each: Mapping[str, Any]) -> Json:
            by = str((each.get("review_requester") or each.get("actor") or {}).get("login", ""))
            about = {"repository": repository, "number": number, "title": str(pull["title"])}
            said = {"text": github_values.unmarked(pull.get("body") or ""), "author": _login(pull)}
            found = {"id": f"request-{each['id']}", **about, "url": str(pull["html_url"]), **said, "by": by}
            return times_of({**found, "at": str(each["created_at"])}, "at")

        events = self._all(f"{self._api.issue(repository, number).url}/events", {"per_page": 100})
        if pull.get("state") == "open":
            yield from readable((each for each in events if _is_request_to(each, login)), request)

    def _after(self, page: FeedPage, shape: Callable[[Mapping[str, Any]], Json]) -> FeedPage:
        following = self._page(page.following, {})
        assert following is not None
        return _shaped(following, shape)

    def _document(self, address: str) -> Json:
        with reading():
            _, _, text = self._api.requester.requestJson("GET", address)
            found: Json = json.loads(text)
            return found

    def _all(self, address: str, query: Mapping[str, Any]) -> Iterator[Json]:
        page = self._page(address, query)
        while page is not None:
            yield from page.items
            page = self._page(page.following, {}) if page.following else None

    def _page(self, address: str, query: Mapping[str, Any], etag: str = "", modified: str = "") -> FeedPage | None:
        known = {"If-None-Match": etag, "If-Modified-Since": modified}
        with reading():
            status, headers, text = self._api.requester.requestJson(
                "GET", address, parameters=dict(query), headers={name: value for name, value in known.items() if value}
            )
            if status == 304:
                return None
            following = _NEXT.search(headers.get("link", ""))
            return FeedPage(
                list(json.loads(text)),
                [],
                headers.get("etag", ""),
                headers.get("last-modified", ""),
                _time(headers.get("date", "")),
                float(headers.get("x-poll-interval") or 0),
                following.group(1) if following else "",
            )


def _shaped(page: FeedPage, shape: Callable[[Mapping[str, Any]], Json]) -> FeedPage:
    each = list(readable(page.items, shape))
    good = [one for one in each if not isinstance(one, UnreadableItem)]
    return replace(page, items=good, unreadable=[one for one in each if isinstance(one, UnreadableItem)])


def _issue(found: Mapping[str, Any]) -> Json:
    issue = {**github_values.found_issue(found), "is_own": bool(github_values.mark_in(found.get("body") or ""))}
    return times_of(issue, "created_at", "updated_at")


def _release(found: Mapping[str, Any]) -> Json:
    release = {**github_values.release(found), "is_own": bool(github_values.mark_in(found.get("body") or ""))}
    return times_of(release, *(["published_at"] if release["published_at"] is not None else []))


def _place(thread: Mapping[str, Any]) -> Json:
    """Return the repository and number of a notification; number 0 if it is neither an issue nor a pull request."""
    found = _SUBJECT.search(str(thread["subject"].get("url") or ""))
    if found is None:
        return {"number": 0}
    place = {"repository": found[1], "number": int(found[2]), "reason": thread["reason"]}
    return times_of({**place, "updated_at": thread["updated_at"]}, "updated_at")


def _text(found: Mapping[str, Any]) -> Json:
    body = str(found.get("body") or "")
    text = {
        "url": str(found["html_url"]),
        "text": github_values.unmarked(body),
        "author": _login(found),
        "is_own": bool(github_values.mark_in(body)),
        "at": str(found["created_at"]),
    }
    return times_of(text, "at")


def _login(found: Mapping[str, Any]) -> str:
    return str((found.get("user") or {}).get("login", ""))


def _is_request_to(event: Any, login: str) -> bool:
    """Return whether an event requests a review from the account or a team; False if the event is malformed."""
    if not isinstance(event, Mapping) or event.get("event") != "review_requested":
        return False
    asked = event.get("requested_reviewer")
    name = asked.get("login") if isinstance(asked, Mapping) else ""
    return bool(event.get("requested_team")) or str(name).lower() == login.lower()


def _time(header: str) -> datetime:
    try:
        found = parsedate_to_datetime(header)
    except ValueError:
        return datetime.now(UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)  # "-0000" is UTC, zone unknown (RFC 5322, 3.3)
