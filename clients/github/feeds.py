"""What is new on GitHub, asked for so that an answer that is known already costs nothing (ETag, Last-Modified).

"Best practices for using the REST API" (docs.github.com): conditional requests that are answered 304 do not count, and
`X-Poll-Interval` says how often notifications may be asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from clients.errors import AuthError, NotFound
from clients.github import values as github_values
from clients.github.api import Api
from clients.github.transport import reading
from clients.github.values import Json

_NEXT = re.compile(r'<([^<>]+)>;\s*rel="next"')
_SUBJECT = re.compile(r"/repos/([^/]+/[^/]+)/(?:issues|pulls)/([0-9]+)\Z")


_SETTLED_SECONDS = 3.0
_CLASSIC_ONLY = (
    "GitHub tells notifications to classic tokens only, with the scope `notifications` or `repo`: "
    "make one at https://github.com/settings/tokens/new."
)


@dataclass(frozen=True)
class Page:
    """One page of a list as it came, with what to ask by next time."""

    items: list[Json]
    etag: str
    modified: str
    at: datetime
    """The time at GitHub."""
    poll_seconds: float
    """How long to leave it alone, where GitHub says so."""
    following: str
    """The address of the next page, empty for the last."""

    @property
    def settled(self) -> str:
        """The time of the last change, to ask by; empty while more may come in that very second, as it has no parts."""
        is_settled = bool(self.modified) and (self.at - _time(self.modified)).total_seconds() >= _SETTLED_SECONDS
        return self.modified if is_settled else ""


class Feeds:
    """Lists that are looked at again and again."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def issues(self, repository: str, query: Mapping[str, Any], etag: str = "") -> Page | None:
        """Give issues (with pull requests, marked `is_pull`) as they are listed; None where nothing has changed.

        Each has `repository`, and `is_own` where this program wrote it.
        """
        page = self._page(f"{self._api.repository(repository).url}/issues", query, etag)
        return None if page is None else replace(page, items=[_issue(each) for each in page.items])

    def more_issues(self, page: Page) -> Page:
        """Give the next page of issues."""
        return self._after(page, _issue)

    def releases(self, repository: str, etag: str = "") -> Page | None:
        """Give the releases that are listed first, newest first; None where nothing has changed."""
        page = self._page(f"{self._api.repository(repository).url}/releases", {"per_page": 100}, etag)
        return None if page is None else replace(page, items=[_release(each) for each in page.items])

    def more_releases(self, page: Page) -> Page:
        """Give the next page of releases."""
        return self._after(page, _release)

    def notifications(self, since: datetime | None, modified: str = "") -> Page | None:
        """Give the threads that the account takes part in, all pages: [{repository, number}]; None: nothing new."""
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
        return replace(first, items=[place for each in found for place in _places(each)])

    def mentions(self, repository: str, number: int, login: str) -> Iterator[Json]:
        """Give each text of an issue or pull request in which somebody else names the account.

        {id, kind, repository, number, title, url, text, author, is_own, at}; nothing where it is gone.
        """
        names = re.compile(rf"(?<![\w/-])@{re.escape(login)}(?![\w-])", re.IGNORECASE)
        for text in self._texts(repository, number):
            if text["author"].lower() != login.lower() and names.search(text["text"]):
                yield text

    def _texts(self, repository: str, number: int) -> Iterator[Json]:
        address = self._api.issue(repository, number).url
        try:
            issue = self._document(address)
        except NotFound:
            return
        about = {"repository": repository, "number": number, "title": str(issue["title"])}
        yield {"id": f"issue-{issue['id']}", "kind": "issue", **about, **_text(issue)}
        for each in self._all(f"{address}/comments", {"per_page": 100}):
            yield {"id": f"comment-{each['id']}", "kind": "comment", **about, **_text(each)}

    def review_requests(self, repository: str, number: int, login: str) -> Iterator[Json]:
        """Give each time that the account (or a team) was asked for a review of a pull request.

        {id, repository, number, title, url, text, author, by, at}; nothing where it is gone, closed or no pull request.
        """
        try:
            pull = self._document(self._api.pull(repository, number).url)
        except NotFound:
            return
        about = {"repository": repository, "number": number, "title": str(pull["title"]), "url": str(pull["html_url"])}
        said = {"text": github_values.unmarked(pull.get("body") or ""), "author": _login(pull)}
        for each in self._all(f"{self._api.issue(repository, number).url}/events", {"per_page": 100}):
            if each["event"] == "review_requested" and _is_asked(each, login) and pull["state"] == "open":
                by = str((each.get("review_requester") or each.get("actor") or {}).get("login", ""))
                yield {"id": f"request-{each['id']}", **about, **said, "by": by, "at": str(each["created_at"])}

    def _after(self, page: Page, shape: Callable[[Mapping[str, Any]], Json]) -> Page:
        following = self._page(page.following, {})
        assert following is not None
        return replace(following, items=[shape(each) for each in following.items])

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

    def _page(self, address: str, query: Mapping[str, Any], etag: str = "", modified: str = "") -> Page | None:
        known = {"If-None-Match": etag, "If-Modified-Since": modified}
        with reading():
            status, headers, text = self._api.requester.requestJson(
                "GET", address, parameters=dict(query), headers={name: value for name, value in known.items() if value}
            )
            if status == 304:
                return None
            following = _NEXT.search(headers.get("link", ""))
            return Page(
                list(json.loads(text)),
                headers.get("etag", ""),
                headers.get("last-modified", ""),
                _time(headers.get("date", "")),
                float(headers.get("x-poll-interval") or 0),
                following.group(1) if following else "",
            )


def _issue(found: Mapping[str, Any]) -> Json:
    return {**github_values.found_issue(found), "is_own": bool(github_values.mark_in(found.get("body") or ""))}


def _release(found: Mapping[str, Any]) -> Json:
    return {**github_values.release(found), "is_own": bool(github_values.mark_in(found.get("body") or ""))}


def _places(thread: Mapping[str, Any]) -> list[Json]:
    """Where a notification belongs; nothing for what is neither an issue nor a pull request."""
    found = _SUBJECT.search(str(thread["subject"].get("url") or ""))
    if found is None:
        return []
    updated_at = str(thread["updated_at"])
    return [{"repository": found[1], "number": int(found[2]), "reason": thread["reason"], "updated_at": updated_at}]


def _text(found: Mapping[str, Any]) -> Json:
    body = str(found.get("body") or "")
    return {
        "url": str(found["html_url"]),
        "text": github_values.unmarked(body),
        "author": _login(found),
        "is_own": bool(github_values.mark_in(body)),
        "at": str(found["created_at"]),
    }


def _login(found: Mapping[str, Any]) -> str:
    return str((found.get("user") or {}).get("login", ""))


def _is_asked(event: Mapping[str, Any], login: str) -> bool:
    if event.get("requested_team"):
        return True
    return str((event.get("requested_reviewer") or {}).get("login", "")).lower() == login.lower()


def _time(header: str) -> datetime:
    try:
        return parsedate_to_datetime(header)
    except ValueError:
        return datetime.now(UTC)
