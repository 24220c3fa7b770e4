"""New issues and releases of repositories on GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from clients.errors import InvalidRequest
from clients.github.values import repository_name
from engine.names import moment_of, timestamp
from engine.step import Fields, JsonValue, Output, destination, option
from engine.steps.github import IssueText
from engine.steps.github_releases import ReleaseText
from engine.trigger import Found, Item, Look, TriggerType

OVERLAP = timedelta(minutes=10)
"""What changed in this time is listed again: a list of GitHub may show a change before an earlier one."""
_BEFORE = "it was there before"
WRITTEN_BY_US = "a workflow wrote it"
_PAGE = 100
_AT_ONCE = 20 * _PAGE
"""So many issues are listed in one look, which has two minutes."""


class OfRepository(Fields):
    """Which repository is watched."""

    repository: str = destination("Repository", format="github-repository", min_length=1)


class OfGitHub(TriggerType):
    """Watches GitHub; its fields name a repository."""

    service = "github"

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what is wrong with the name of the repository, where there is one."""
        name = arguments.get("repository")
        if not isinstance(name, str) or not name.strip():
            return []
        try:
            repository_name(name)
        except InvalidRequest as error:
            return [("repository", f"{error.message} {error.remedy}")]
        return []


class _OneRepository(OfGitHub):
    """Watches one repository."""

    def source(self, fields: OfRepository) -> str:
        """Return the repository: another one has other issues and releases."""
        return fields.repository.strip().lower()


class NewIssueFields(OfRepository):
    """Which issues count."""

    labels: list[str] = option("Only with all these labels", [])
    include_own: bool = option("Also issues that a workflow wrote", default=False)


class IssueItem(IssueText, Output):
    """An issue."""

    repository: str


class NewIssue(_OneRepository):
    """Starts a run for each issue that is opened in a repository, also when it gets the labels asked for only later.

    Issues that a workflow wrote are left out unless asked for. Pull requests do not count.
    """

    name = "github.new_issue"
    title = "A new issue on GitHub"
    fields = NewIssueFields
    item = IssueItem

    def look(self, look: Look) -> Found:
        """List the issues with numbers above the cursor's among those that changed since.

        The cursor is {above: number, since: time, etag}: GitHub numbers issues as they are opened, so the number
        tells old from new whatever the clocks say. A page that has not changed is answered 304.
        """
        if look.cursor is None:
            return _first_issues(look)
        cursor: Mapping[str, Any] = look.cursor
        page = look.client.feeds.issues(look.fields.repository, _changed_since(cursor["since"]), cursor["etag"])
        if page is None:
            return Found([], cursor)
        etag, issues = page.etag, list(page.items)
        due = self._due(look, issues)
        while page.following and (max(len(due) / look.limit, len(issues) / _AT_ONCE) < 1 or _stands(cursor, issues)):
            page = _page_after(look, page)
            issues += page.items
            due = self._due(look, issues)
        if len(due) > look.limit:  # the rest is listed again from the same place
            return Found(due[: look.limit], {**cursor, "etag": ""}, has_more=True)
        since = _moved(cursor["since"], issues)
        is_same = since == cursor["since"] and len(issues) == len(page.items)
        return Found(due, {**cursor, "since": since, "etag": etag if is_same else ""}, has_more=bool(page.following))

    def _due(self, look: Look, issues: Iterable[Mapping[str, Any]]) -> list[Item]:
        wanted = {label.casefold() for label in look.fields.labels}
        new = {
            str(each["id"]): each
            for each in issues
            if each["number"] > look.cursor["above"]
            and not each["is_pull"]
            and wanted <= {label.casefold() for label in each["labels"]}
        }
        unseen = set(look.unseen(new))
        found = sorted((each for name, each in new.items() if name in unseen), key=lambda each: each["number"])
        return [_issue_item(each, _left_out(look, each)) for each in found]


def _issue_item(issue: Mapping[str, Any], skip: str = "") -> Item:
    value = {name: one for name, one in issue.items() if name not in {"is_pull", "is_own"}}
    return Item(str(issue["id"]), value, issue["title"], moment_of(issue["created_at"]), skip)


def _first_issues(look: Look) -> Found:
    """Find the number above which issues are new: that of the newest, or of the last that does not count."""
    counting: list[Mapping[str, Any]] = []
    query = {"state": "all", "sort": "created", "direction": "desc", "per_page": 1 if look.start.is_now else _PAGE}
    page = look.client.feeds.issues(look.fields.repository, query)
    above = page.items[0]["number"] if page.items else 0
    while True:
        for each in page.items:
            if not _counts(each, look, counting):
                return _from_number(each["number"], counting, page.at, look)
            counting += [] if each["is_pull"] else [each]
        if not page.following or look.start.is_now:
            return _from_number(0 if counting else above, counting, page.at, look)
        page = look.client.feeds.more_issues(page)


def _counts(issue: Mapping[str, Any], look: Look, before: Sequence[Mapping[str, Any]]) -> bool:
    if look.start.last is not None:
        return len(before) < look.start.last
    return look.start.since is not None and moment_of(issue["created_at"]) >= look.start.since


def _from_number(above: int, counting: Sequence[Mapping[str, Any]], at: datetime, look: Look) -> Found:
    """Go on with what changed since the oldest issue that counts was opened, or since now."""
    since = min([moment_of(each["created_at"]) for each in counting], default=at) - OVERLAP
    return Found([], {"above": above, "since": timestamp(since), "etag": ""}, has_more=bool(counting))


def _changed_since(since: str) -> dict[str, Any]:
    moment = moment_of(since).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"state": "all", "sort": "updated", "direction": "asc", "per_page": _PAGE, "since": moment}


def _page_after(look: Look, page: Any) -> Any:
    """Give what was changed after a page, counted from its last change.

    Pages by number would lose one where an issue of an earlier page is changed meanwhile and the rest moves up.
    """
    first, last = page.items[0]["updated_at"], page.items[-1]["updated_at"]
    if first == last:  # a page of one second: there is no other way on
        return look.client.feeds.more_issues(page)
    return look.client.feeds.issues(look.fields.repository, _changed_since(last))


def _stands(cursor: Mapping[str, Any], issues: Sequence[Mapping[str, Any]]) -> bool:
    since: str = cursor["since"]
    return _moved(since, issues) == since


def _moved(since: str, issues: Sequence[Mapping[str, Any]]) -> str:
    """Return the time from which to list next: that of the last change less the overlap, never an earlier one."""
    if not issues:
        return since
    return max(since, timestamp(moment_of(issues[-1]["updated_at"]) - OVERLAP), key=moment_of)


def _left_out(look: Look, found: Mapping[str, Any]) -> str:
    return WRITTEN_BY_US if found["is_own"] and not look.fields.include_own else ""


class ReleaseFields(OfRepository):
    """Which releases count."""

    include_prereleases: bool = option("Also pre-releases", default=False)
    include_own: bool = option("Also releases that a workflow wrote", default=False)


class ReleaseItem(ReleaseText, Output):
    """A release."""

    repository: str


class Release(_OneRepository):
    """Starts a run for each release that is published in a repository. Drafts do not count until they are published."""

    name = "github.release"
    title = "A release on GitHub"
    fields = ReleaseFields
    item = ReleaseItem
    poll_seconds = 300.0

    def look(self, look: Look) -> Found:
        """List the releases that nobody has seen among those published since the cursor's time.

        The cursor is {from: time, etag}: an older one counts never, also when it moves up as newer ones are deleted. A
        list that has not changed is answered 304.
        """
        page = look.client.feeds.releases(look.fields.repository, (look.cursor or {}).get("etag", ""))
        if page is None:
            return Found([], look.cursor)
        if look.cursor is None:
            return _first_releases(look, page)
        etag, found = page.etag, _new_releases(look, page.items)
        more = found
        while page.following and more:  # all of a page may be new, and of the next one, too
            page = look.client.feeds.more_releases(page)
            more = _new_releases(look, page.items)
            found += more
        found.sort(key=_by_publication)
        is_more = len(found) > look.limit  # the rest is listed again
        items = [_release_item(look, each) for each in found[: look.limit]]
        return Found(items, {**look.cursor, "etag": "" if is_more else etag}, has_more=is_more)


def _published(look: Look, releases: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return those that count, whenever they were published."""
    published = [each for each in releases if each["published_at"] and not each["draft"]]
    return [each for each in published if look.fields.include_prereleases or not each["prerelease"]]


def _by_publication(release: Mapping[str, Any]) -> tuple[str, int]:
    return str(release["published_at"]), int(release["id"])


def _new_releases(look: Look, releases: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    earliest = moment_of(look.cursor["from"])
    due = {str(each["id"]): each for each in _published(look, releases) if moment_of(each["published_at"]) >= earliest}
    return [due[name] for name in look.unseen(due)]


def _first_releases(look: Look, page: Any) -> Found:
    """Find the time from which releases are new; what is listed and does not count is listed as such."""
    start, at = look.start, page.at
    releases = _published(look, page.items)
    while page.following and len(releases) < (start.last or 0):
        page = look.client.feeds.more_releases(page)
        releases += _published(look, page.items)
    releases.sort(key=_by_publication)
    counting = releases[-start.last :] if start.last is not None else []
    since = start.since
    if since is None:
        since = min([moment_of(each["published_at"]) for each in counting], default=at - OVERLAP)
    else:
        counting = [each for each in releases if moment_of(each["published_at"]) >= since]
    new = {each["id"] for each in counting}
    before = [_release_item(look, each, _BEFORE) for each in releases if each["id"] not in new]
    return Found(before, {"from": timestamp(since), "etag": ""}, has_more=not start.is_now)


def _release_item(look: Look, release: Mapping[str, Any], skip: str = "") -> Item:
    value = {**release, "repository": look.fields.repository}
    skip = skip or _left_out(look, value)
    value.pop("is_own")
    return Item(str(release["id"]), value, release["title"], moment_of(release["published_at"]), skip)
