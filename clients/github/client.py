"""The GitHub client (PyGithub): repositories, issues, comments and files, with `pulls`, `branches` and others."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import httpx

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.errors import ServiceError
from clients.github import values as github_values
from clients.github.api import CLOCK_SKEW, GitHubApi, held, shaped, things
from clients.github.branches import GitHubBranches
from clients.github.check import look
from clients.github.feeds import Feeds
from clients.github.files import find_commit, find_removal, read_content, read_file, remove_file, write_file
from clients.github.graphql import asked
from clients.github.issues import Issues
from clients.github.pace import Pace, is_paced
from clients.github.pulls import Pulls
from clients.github.releases import Releases
from clients.github.reviews import Reviews
from clients.github.service import GITHUB, GitHubSettings
from clients.github.transport import raw, reading, requester
from clients.github.undo import close_issue, delete_comment, restore_file
from clients.github.values import given, utc
from clients.listing import ItemList, Json
from clients.pacing.paces import OwnPaces, Paces
from clients.wording import counted


class GitHubClient(Client):
    """One GitHub account."""

    service = GITHUB
    http: httpx.Client

    def __init__(self, settings: GitHubSettings, http: httpx.Client, paces: Paces | None = None) -> None:
        self.http = http
        self._settings = settings
        token = settings.token.get_secret_value()
        paced = is_paced(settings.base_url) if settings.paced is None else settings.paced
        self._has_token = bool(token)
        self._api = api = GitHubApi(
            requester(http, settings.base_url, token, Pace(paces or OwnPaces(), token) if paced else None)
        )
        self.issues, self.pulls, self.branches, self.releases = (
            Issues(api),
            Pulls(api),
            GitHubBranches(api),
            Releases(api),
        )
        self.feeds, self.reviews = Feeds(api), Reviews(api)
        self._account = ""
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: GitHubSettings, opening: Opening) -> GitHubClient:
        """Return a client for these settings; all processes of a workspace keep to one pace."""
        return cls(settings, opening.http(GITHUB, settings.base_url), opening.paces)

    def account(self) -> str:
        """Return the account's login; fetched once."""
        with self._lock:
            self._account = self._account or self._login()
            return self._account

    def _login(self) -> str:
        from github.AuthenticatedUser import AuthenticatedUser

        with reading():
            return str(raw(AuthenticatedUser(self._api.requester, url="/user").complete())["login"])

    def check(self) -> list[CheckLine]:
        """Run the checks that workflows depend on: [(what, ok, sentence)]; raises no service error."""
        if not self._has_token:
            return [
                CheckLine(
                    "sign-in", ok=False, text="There is no token yet. Create one at https://github.com/settings/tokens."
                )
            ]
        try:
            # Not cached: the token may have been revoked since the login was fetched.
            signed_in = CheckLine("sign-in", ok=True, text=f"Signed in as {self._login()}.")
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        return [signed_in, self._check_repositories()]

    def _check_repositories(self) -> CheckLine:
        try:
            found = self.repositories()
        except ServiceError as error:
            return failed(self.service, "repositories", error)
        writable = sum(each["can_write"] for each in found)
        if not writable:
            remedy = "Give the token write access to issues (and contents) of the repositories it should work with."
            seen = counted(len(found), "repository")
            return CheckLine("repositories", ok=False, text=f"It can see {seen} but write to none. {remedy}")
        seen = counted(len(found), "visible repository")
        return CheckLine("repositories", ok=True, text=f"It can write to {writable} of {seen}.")

    def look_closer(self, now: datetime) -> Iterator[CheckLine]:
        """Yield the token's scopes and expiry, and the rate limit."""
        with suppress(httpx.HTTPError):
            yield from look(self._settings, self.http, now)

    def is_public(self, place: str) -> bool:
        """Tell whether everybody can read a repository."""
        return self.repository(place)["private"] is False

    def repositories(self, limit: int = 300) -> ItemList:
        """List the repositories that the account can see, last pushed first: [{full_name, private, url, can_write}]."""
        from github.AuthenticatedUser import AuthenticatedUser

        with reading():
            user = AuthenticatedUser(self._api.requester, url="/user")
            return shaped(github_values.repository, things(user.get_repos(sort="pushed")), limit)

    def repository(self, name: str) -> Json:
        """Return one repository: {full_name, private, url, can_write}."""
        with reading():
            return github_values.repository(raw(self._api.repository(name).complete()))

    def create_issue(
        self,
        repository: str,
        title: str,
        body: str,
        labels: Sequence[str] = (),
        assignees: Sequence[str] = (),
        marker: str = "",
    ) -> Json:
        """Open an issue: {id, number, url, title, state}; `marker` is hidden at the end of its body."""
        with reading():
            made = self._api.repository(repository).create_issue(
                title=title,
                body=github_values.marked(body, marker),
                labels=list(labels),
                assignees=list(assignees),
            )
            return github_values.written(raw(made))

    def find_issue(self, repository: str, marker: str, intended_at: datetime) -> Json | None:
        """Find the issue with this marker among those changed since then; by listing, which is consistent."""
        with reading():
            since = utc(intended_at) - CLOCK_SKEW
            for issue in self._api.repository(repository).get_issues(state="all", since=since):
                if github_values.marker_of(marker) in (raw(issue).get("body") or ""):
                    return github_values.written(raw(issue))
        return None

    def update_issue(
        self,
        repository: str,
        number: int,
        title: str,
        body: str,
        labels: Sequence[str] = (),
        assignees: Sequence[str] = (),
        marker: str = "",
    ) -> Json:
        """Replace the content of an issue, open or closed; returns and hides the marker as `create_issue` does."""
        with reading():
            issue = self._api.issue(repository, number)
            body = github_values.marked(body, marker)
            issue.edit(title=title, body=body, labels=list(labels), assignees=list(assignees))
            return github_values.written(held(issue, "id", "number", "html_url", "title", "state"))

    def undo_issue(self, repository: str, number: int, title: str, body: str, marker: str, note: str) -> None:
        """Close the issue that `create_issue` opened and comment once; the marker `note` identifies that comment.

        Raises Conflict if somebody has closed it or changed its title or body.
        """
        with reading():
            left = {"title": title, "body": github_values.marked(body, marker)}
            close_issue(self._api.repository(repository), self._api.issue(repository, number), left, note)

    def get_issue(self, repository: str, number: int) -> Json:
        """Return one issue in full (see `values.issue`), and `is_pull`: whether it is a pull request."""
        with reading():
            found = raw(self._api.issue(repository, number).complete())
            return {**github_values.issue(found), "is_pull": github_values.is_pull(found)}

    def list_issues(
        self,
        repository: str,
        state: str = "open",
        labels: Sequence[str] = (),
        since: datetime | None = None,
        limit: int = 100,
    ) -> ItemList:
        """List issues, newest first, without pull requests; `since` refers to the last change."""
        with reading():
            found = self._api.repository(repository).get_issues(
                state=state, **given(labels=list(labels) or None, since=utc(since))
            )
            issues = (one for one in things(found) if not (isinstance(one, dict) and github_values.is_pull(one)))
            return shaped(github_values.issue, issues, limit)

    def comment(self, repository: str, number: int, body: str, marker: str = "") -> Json:
        """Comment on an issue: {id, url}; `marker` is hidden at the end of the body."""
        with reading():
            made = self._api.issue(repository, number).create_comment(github_values.marked(body, marker))
            return github_values.comment(raw(made))

    def find_comment(self, repository: str, number: int, marker: str, intended_at: datetime) -> Json | None:
        """Find the comment with this marker among the issue's comments changed since then."""
        with reading():
            for comment in self._api.issue(repository, number).get_comments(since=utc(intended_at) - CLOCK_SKEW):
                if github_values.marker_of(marker) in (raw(comment).get("body") or ""):
                    return github_values.comment(raw(comment))
        return None

    def update_comment(self, repository: str, comment: int, body: str, marker: str = "") -> Json:
        """Replace the text of a comment: {id, url}; `marker` is hidden at the end of the body."""
        with reading():
            found = self._api.comment(repository, comment)
            found.edit(github_values.marked(body, marker))
            return github_values.comment(held(found, "id", "html_url"))

    def undo_comment(self, repository: str, comment: int, body: str, marker: str) -> None:
        """Delete the comment created by `comment`; raises Conflict if somebody has changed it."""
        with reading():
            left = github_values.marked(body, marker)
            delete_comment(self._api.repository(repository), self._api.comment(repository, comment), left)

    def list_commits(
        self,
        repository: str,
        since: datetime | None = None,
        until: datetime | None = None,
        branch: str = "",
        path: str = "",
        limit: int = 100,
    ) -> ItemList:
        """List commits, newest first: [{sha, message, author, date, url}]."""
        with reading():
            asked = given(since=utc(since), until=utc(until), sha=branch or None, path=path or None)
            return shaped(github_values.commit, things(self._api.repository(repository).get_commits(**asked)), limit)

    def get_file(self, repository: str, path: str, ref: str = "") -> Json:
        """Read a text file: {path, text, sha, url}; `sha` is its blob id. InvalidRequest for a folder or a binary."""
        with reading():
            return read_file(self._api.repository(repository), github_values.file_path(path), ref)

    def put_file(
        self,
        repository: str,
        path: str,
        content: str | bytes,
        message: str,
        branch: str = "",
        sha: str | None = None,
        marker: str = "",
    ) -> Json:
        """Commit a file: {path, sha, commit, url of the commit, changed}; Conflict if it changed since `sha`.

        Without `sha` the current version is read and replaced; `sha=""` requires that the file does not exist.
        A file that already has the content gets no commit. `marker` becomes a trailer of the commit message.
        """
        with reading():
            path = github_values.file_path(path)
            data = content.encode() if isinstance(content, str) else content
            return write_file(self._api.repository(repository), path, data, message, branch, sha, marker)

    def find_file(self, repository: str, path: str, branch: str, marker: str, intended_at: datetime) -> Json | None:
        """Find the commit with this marker among those that changed the path since then."""
        with reading():
            path = github_values.file_path(path)
            return find_commit(self._api.repository(repository), path, branch, marker, intended_at - CLOCK_SKEW)

    def get_content(self, repository: str, path: str, ref: str = "") -> Json:
        """Return a file as bytes, or the entries of a folder: {path, kind, sha, url, content, entries}."""
        with reading():
            path = github_values.file_path(path) if path.strip("/ ") else ""
            return read_content(self._api.repository(repository), path, ref)

    def delete_file(self, repository: str, path: str, message: str, branch: str, sha: str, marker: str = "") -> Json:
        """Delete a file by a commit: {path, sha (empty), commit, url, changed}; Conflict if it changed since `sha`.

        An empty `sha` deletes any version. Raises NotFound if the file does not exist.
        """
        with reading():
            path = github_values.file_path(path)
            return remove_file(self._api.repository(repository), path, message, branch, sha, marker)

    def find_removal(self, repository: str, path: str, branch: str, marker: str, intended_at: datetime) -> Json | None:
        """Find the commit with this marker that deleted the file."""
        with reading():
            path = github_values.file_path(path)
            return find_removal(self._api.repository(repository), path, branch, marker, intended_at - CLOCK_SKEW)

    def undo_file(self, repository: str, branch: str, written: Mapping[str, Any], marker: str) -> None:
        """Revert the commit of a file by another commit; `written` is what `put_file` returned, with its `message`.

        Raises Conflict if somebody has changed or deleted the file, or its history is gone.
        """
        with reading():
            path = github_values.file_path(str(written["path"]))
            restore_file(self._api.repository(repository), path, branch, written, marker)

    def request(self, method: str, path: str, query: Mapping[str, Any], body: Any) -> Json:
        """Call any path of the REST API on this connection's server: {status, json, has_more}.

        `has_more`: a list goes on, on another page.
        `path` starts with one slash and has no host, query or ".."; otherwise raises InvalidRequest.
        """
        with reading():
            address = github_values.api_path(path)
            status, heads, answer = self._api.requester.requestJson(method, address, parameters=dict(query), input=body)
            # Lists name their next page in the Link header (docs.github.com, REST, "Using pagination").
            has_more = 'rel="next"' in heads.get("link", "")
            return {"status": status, "json": json.loads(answer) if answer else None, "has_more": has_more}

    def graphql(self, document: str, variables: Mapping[str, Any], operation: str) -> Json:
        """Send a document of GraphQL; see `clients.github.graphql.asked`."""
        with reading():
            return asked(self._api.requester, document, variables, operation)
