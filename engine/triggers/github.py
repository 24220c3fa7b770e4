"""New issues and releases of repositories on GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypedDict

from clients.errors import InvalidRequest
from clients.github.values import repository_name
from engine.base.clock import moment_of, timestamp
from engine.plugins.step import Fields, JsonValue, Output, Prompts, StepType, destination, option
from engine.plugins.trigger import Found, Item, Look, TriggerType, unreadable_item
from engine.steps.github.issues_and_comments import IssueText
from engine.steps.github.releases import ReleaseText

OVERLAP = timedelta(minutes=10)
"""Changes of this period are listed again: GitHub may list a change before an earlier one."""
_BEFORE = "it already existed"
WRITTEN_BY_US = "a workflow wrote it"
_PAGE = 100  # the most that GitHub gives
_AT_ONCE = 20 * _PAGE
"""Issues listed in one poll, which has two minutes."""


class OfRepository(Fields):
    """The repository to watch."""

    repository: str = destination("Repository", format="github-repository", min_length=1)


class OfGitHub(TriggerType):
    """Watches GitHub; its fields contain a repository."""

    service = "github"

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Check the name of the repository, if there is one."""
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

    made_at: ClassVar[str]
    """The end of the path to which a request posts a new one."""
    made_with: ClassVar[str]
    """The mutation of GraphQL that makes one."""

    def may_find(self, fields: Mapping[str, JsonValue], kind: StepType, arguments: Mapping[str, JsonValue]) -> bool:
        """Look into a request for what it makes."""
        if kind.is_tool and "path" in kind.fields.model_fields:
            path = str(arguments.get("path")).strip("/ ").casefold()
            return path.endswith(f"/{self.made_at}") and ("{{" in path or str(fields["repository"]).casefold() in path)
        if kind.is_tool:
            return self.made_with in str(arguments.get("document"))
        return super().may_find(fields, kind, arguments)

    def source(self, fields: OfRepository) -> str:
        """Return the repository: another repository has other issues and releases."""
        return fields.repository.strip().lower()


class ListedIssue(TypedDict):
    """An issue in a list, an `IssueText`: these members decide whether and when it counts."""

    id: int
    number: int
    title: str
    labels: list[str]
    created_at: str
    updated_at: str
    is_pull: bool
    is_own: bool
    """Whether a workflow wrote it."""


class ListedRelease(TypedDict):
    """A release in a list, a `ReleaseText`: these members decide whether and when it counts."""

    id: int
    title: str
    published_at: str
    draft: bool
    prerelease: bool
    is_own: bool


class IssuesCursor(TypedDict):
    """The place from which issues are listed."""

    above: int
    """Issues with greater numbers are new."""
    since: str
    etag: str


class NewIssueFields(OfRepository):
    """The repository, and which issues count."""

    labels: list[str] = option("Only with all these labels", [])
    include_own: bool = option("Also issues that a workflow wrote", default=False)


class IssueItem(IssueText, Output):
    """An issue."""

    repository: str


class NewIssue(_OneRepository):
    """Starts a run for each new issue in a repository, even if it gets the requested labels only later.

    Issues that a workflow wrote are left out by default. Pull requests do not count.
    """

    name = "github.new_issue"
    title = "A new issue on GitHub"
    happens = "somebody opens an issue on GitHub"
    made_at, made_with = "issues", "createIssue"
    watches = "an issue"
    fields = NewIssueFields
    item = IssueItem

    def look(self, look: Look) -> Found:
        """List the issues that changed since the cursor and whose numbers are above the cursor's.

        The cursor is {above: number, since: time, etag}: GitHub numbers issues in order of creation, so the number
        tells old from new regardless of clocks. An unchanged page is answered with 304.
        """
        if look.cursor is None:
            return _first_issues(look)
        cursor: IssuesCursor = look.cursor
        page = look.client.feeds.issues(look.fields.repository, _changed_since(cursor["since"]), cursor["etag"])
        if page is None:
            return Found([], cursor)
        etag, issues, dead = page.etag, list(page.items), _dead_issues(cursor, page)
        due = self._due(look, issues)
        while page.following and (max(len(due) / look.limit, len(issues) / _AT_ONCE) < 1 or _stands(cursor, issues)):
            page = _page_after(look, page)
            issues += page.items
            dead += _dead_issues(cursor, page)
            due = self._due(look, issues)
        if len(due) > look.limit:  # the rest is listed again from the same position
            return Found([*dead, *due[: look.limit]], {**cursor, "etag": ""}, has_more=True)
        since = _moved(cursor["since"], issues)
        is_same = since == cursor["since"] and len(issues) == len(page.items)
        moved = {**cursor, "since": since, "etag": etag if is_same else ""}
        return Found([*dead, *due], moved, has_more=bool(page.following))

    def _due(self, look: Look, issues: Iterable[ListedIssue]) -> list[Item]:
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


def _dead_issues(cursor: IssuesCursor, page: Any) -> list[Item]:
    """Return the unreadable issues of a page, except those certainly older than the cursor."""
    numbers = {one.id: one.raw.get("number") if isinstance(one.raw, Mapping) else None for one in page.unreadable}
    old = {name for name, number in numbers.items() if isinstance(number, int) and number <= cursor["above"]}
    return [unreadable_item(one) for one in page.unreadable if one.id not in old]


def _issue_item(issue: ListedIssue, skip: str = "") -> Item:
    value = {name: one for name, one in issue.items() if name not in {"is_pull", "is_own"}}
    return Item(str(issue["id"]), value, issue["title"], moment_of(issue["created_at"]), skip)


def _first_issues(look: Look) -> Found:
    """Find the number above which issues are new: the newest issue's, or the number of the last that does not count."""
    counting: list[ListedIssue] = []
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


def _counts(issue: ListedIssue, look: Look, before: Sequence[ListedIssue]) -> bool:
    if look.start.last is not None:
        return len(before) < look.start.last
    return look.start.since is not None and moment_of(issue["created_at"]) >= look.start.since


def _from_number(above: int, counting: Sequence[ListedIssue], at: datetime, look: Look) -> Found:
    """Continue from the creation of the oldest issue that counts, or from now."""
    since = min([moment_of(each["created_at"]) for each in counting], default=at) - OVERLAP
    return Found([], {"above": above, "since": timestamp(since), "etag": ""}, has_more=bool(counting))


def _changed_since(since: str) -> dict[str, str | int]:
    moment = moment_of(since).strftime("%Y-%m-%dT%H:%M:%SZ")  # as GitHub documents it: YYYY-MM-DDTHH:MM:SSZ
    return {"state": "all", "sort": "updated", "direction": "asc", "per_page": _PAGE, "since": moment}


def _page_after(look: Look, page: Any) -> Any:
    """Return the changes after a page, from the time of its last change.

    Page numbers would miss an issue if one on an earlier page is changed meanwhile and the rest moves up.
    """
    times = [each["updated_at"] for each in page.items]
    first, last = (times[0], times[-1]) if times else ("", "")
    if first == last:  # a page within one second, or an unreadable one: there is no other way to continue
        return look.client.feeds.more_issues(page)
    return look.client.feeds.issues(look.fields.repository, _changed_since(last))


def _stands(cursor: IssuesCursor, issues: Sequence[ListedIssue]) -> bool:
    since: str = cursor["since"]
    return _moved(since, issues) == since


def _moved(since: str, issues: Sequence[ListedIssue]) -> str:
    """Return the time from which to list next: the last change minus the overlap, never earlier than before."""
    if not issues:
        return since
    return max(since, timestamp(moment_of(issues[-1]["updated_at"]) - OVERLAP), key=moment_of)


def _left_out(look: Look, found: ListedIssue | ListedRelease) -> str:
    return WRITTEN_BY_US if found["is_own"] and not look.fields.include_own else ""


class ReleaseFields(OfRepository):
    """The repository, and which releases count."""

    include_prereleases: bool = option("Also pre-releases", default=False)
    include_own: bool = option("Also releases that a workflow wrote", default=False)


class ReleaseItem(ReleaseText, Output):
    """A release."""

    repository: str


class Release(_OneRepository):
    """Starts a run for each release published in a repository. Drafts count once they are published."""

    name = "github.release"
    title = "A release on GitHub"
    happens = "a release is published on GitHub"
    made_at, made_with = "releases", "createRelease"
    watches = "a release"
    fields = ReleaseFields
    item = ReleaseItem
    poll_seconds = 300.0

    def look(self, look: Look) -> Found:
        """List the unseen releases published since the cursor's time.

        The cursor is {from: time, etag}: older releases never count, even if they move up when newer ones are deleted.
        An unchanged list is answered with 304.
        """
        page = look.client.feeds.releases(look.fields.repository, (look.cursor or {}).get("etag", ""))
        if page is None:
            return Found([], look.cursor)
        if look.cursor is None:
            return _first_releases(look, page)
        etag, found = page.etag, _new_releases(look, page.items)
        dead = [unreadable_item(one) for one in page.unreadable]
        more = found
        while page.following and more:  # where a page has new releases, the next one may have some, too
            page = look.client.feeds.more_releases(page)
            more = _new_releases(look, page.items)
            found += more
            dead += [unreadable_item(one) for one in page.unreadable]
        found.sort(key=_by_publication)
        is_more = len(found) > look.limit  # the rest is listed again
        items = [_release_item(look, each) for each in found[: look.limit]]
        return Found([*dead, *items], {**look.cursor, "etag": "" if is_more else etag}, has_more=is_more)


def _published(look: Look, releases: Iterable[ListedRelease]) -> list[ListedRelease]:
    """Return the releases that count, whenever they were published."""
    published = [each for each in releases if each["published_at"] and not each["draft"]]
    return [each for each in published if look.fields.include_prereleases or not each["prerelease"]]


def _by_publication(release: ListedRelease) -> tuple[str, int]:
    return str(release["published_at"]), int(release["id"])


def _new_releases(look: Look, releases: Iterable[ListedRelease]) -> list[ListedRelease]:
    earliest = moment_of(look.cursor["from"])
    due = {str(each["id"]): each for each in _published(look, releases) if moment_of(each["published_at"]) >= earliest}
    return [due[name] for name in look.unseen(due)]


def _first_releases(look: Look, page: Any) -> Found:
    """Find the time from which releases are new; listed ones that do not count are returned as skipped."""
    start, at = look.start, page.at
    releases, unreadable = _published(look, page.items), list(page.unreadable)
    while page.following and len(releases) < (start.last or 0):
        page = look.client.feeds.more_releases(page)
        releases += _published(look, page.items)
        unreadable += page.unreadable
    releases.sort(key=_by_publication)
    counting = releases[-start.last :] if start.last is not None else []
    since = start.since
    if since is None:
        since = min([moment_of(each["published_at"]) for each in counting], default=at - OVERLAP)
    else:
        counting = [each for each in releases if moment_of(each["published_at"]) >= since]
    new = {each["id"] for each in counting}
    before = [_release_item(look, each, _BEFORE) for each in releases if each["id"] not in new]
    before += [Item(one.id, title=one.title, skip=_BEFORE) for one in unreadable]
    return Found(before, {"from": timestamp(since), "etag": ""}, has_more=not start.is_now)


def _release_item(look: Look, release: ListedRelease, skip: str = "") -> Item:
    skip = skip or _left_out(look, release)
    value = {name: one for name, one in release.items() if name != "is_own"} | {"repository": look.fields.repository}
    return Item(str(release["id"]), value, release["title"], moment_of(release["published_at"]), skip)
