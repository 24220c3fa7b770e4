"""GitHub through PyGithub: repositories, issues, comments and files; `pulls`, `branches` and others hold the rest."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr

from clients.base_url import BaseUrl
from clients.counting import counted
from clients.errors import ServiceError
from clients.github import values as github_values
from clients.github.api import CLOCK_SKEW, Api, held, shaped
from clients.github.branches import Branches
from clients.github.feeds import Feeds
from clients.github.files import find_commit, find_removal, read_content, read_file, remove_file, write_file
from clients.github.issues import Issues
from clients.github.pace import Pace, is_paced
from clients.github.pulls import Pulls
from clients.github.releases import Releases
from clients.github.transport import SERVICE, raw, reading, requester
from clients.github.undo import close_issue, delete_comment, restore_file
from clients.github.values import Json, given, utc


class GitHubSettings(BaseModel):
    """What `connections.<name>` of a GitHub account may say in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = SecretStr("")
    base_url: BaseUrl = "https://api.github.com"
    paced: bool | None = None
    """Whether writes go as slowly as GitHub asks for; None: where the address is GitHub's own."""


class GitHubClient:
    """One GitHub account. Threads may share it; every method raises errors of `clients.errors` only."""

    service: ClassVar[str] = SERVICE
    Settings = GitHubSettings
    key_variables: ClassVar[Mapping[str, str]] = {"token": "GITHUB_TOKEN"}
    key_place: ClassVar[str] = "GitHub, Settings, Developer settings, Personal access tokens"
    key_url: ClassVar[str] = "https://github.com/settings/tokens"
    default_url: ClassVar[str] = "https://api.github.com"

    shared_file: ClassVar[str] = "github-pace.db"
    """What the clients of all processes of a workspace share, in its state folder."""

    def __init__(self, settings: GitHubSettings, http: httpx.Client, shared: Path | None = None) -> None:
        token = settings.token.get_secret_value()
        paced = is_paced(settings.base_url) if settings.paced is None else settings.paced
        self._has_token = bool(token)
        self._api = api = Api(requester(http, settings.base_url, token, Pace(shared, token) if paced else None))
        self.issues, self.pulls, self.branches, self.releases = Issues(api), Pulls(api), Branches(api), Releases(api)
        self.feeds = Feeds(api)
        self._account = ""
        self._lock = threading.Lock()

    def account(self) -> str:
        """Give the login of the account; asked once."""
        with self._lock:
            self._account = self._account or self._login()
            return self._account

    def _login(self) -> str:
        from github.AuthenticatedUser import AuthenticatedUser

        with reading():
            return str(raw(AuthenticatedUser(self._api.requester, url="/user").complete())["login"])

    def check(self) -> list[tuple[str, bool, str]]:
        """Try what workflows need: [(what, ok, sentence)]; raises nothing of the service."""
        if not self._has_token:
            return [("sign-in", False, "There is no token yet. Make one at https://github.com/settings/tokens.")]
        try:
            # Asked anew: the token may have been taken back since the account was known.
            signed_in = ("sign-in", True, f"Signed in as {self._login()}.")
        except ServiceError as error:
            return [("sign-in", False, f"{error.message} {error.remedy}")]
        return [signed_in, self._check_repositories()]

    def _check_repositories(self) -> tuple[str, bool, str]:
        try:
            found = self.repositories()
        except ServiceError as error:
            return ("repositories", False, f"{error.message} {error.remedy}")
        writable = sum(each["can_write"] for each in found)
        if not writable:
            remedy = "Give the token write access to issues (and contents) of the repositories it should serve."
            seen = counted(len(found), "repository", "repositories")
            return ("repositories", False, f"It sees {seen} and can write to none. {remedy}")
        seen = counted(len(found), "visible repository", "visible repositories")
        return ("repositories", True, f"It can write to {writable} of {seen}.")

    def repositories(self, limit: int = 300) -> list[Json]:
        """List what the account can see, last pushed first: [{full_name, private, url, can_write}]."""
        from github.AuthenticatedUser import AuthenticatedUser

        with reading():
            user = AuthenticatedUser(self._api.requester, url="/user")
            return shaped(github_values.repository, user.get_repos(sort="pushed"), limit)

    def repository(self, name: str) -> Json:
        """Give one repository: {full_name, private, url, can_write}."""
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
        """Look for the issue with this marker among those changed since then; by listing, which is consistent."""
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
        """Let an issue say this instead, open or closed as it is; gives and hides the marker as `create_issue`."""
        with reading():
            issue = self._api.issue(repository, number)
            body = github_values.marked(body, marker)
            issue.edit(title=title, body=body, labels=list(labels), assignees=list(assignees))
            return github_values.written(held(issue, "id", "number", "html_url", "title", "state"))

    def undo_issue(self, repository: str, number: int, title: str, body: str, marker: str, note: str) -> None:
        """Close the issue that `create_issue` opened, with one note, which the marker `note` tells from others.

        Raises Conflict where somebody closed it or changed its title or text since.
        """
        with reading():
            left = {"title": title, "body": github_values.marked(body, marker)}
            close_issue(self._api.repository(repository), self._api.issue(repository, number), left, note)

    def get_issue(self, repository: str, number: int) -> Json:
        """Give one issue in full (see `github_values.issue`), and whether it `is_pull`: a pull request."""
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
    ) -> list[Json]:
        """List issues, newest first, without pull requests; `since` is about the last change."""
        with reading():
            found = self._api.repository(repository).get_issues(
                state=state, **given(labels=list(labels) or None, since=utc(since))
            )
            issues = (each for each in found if not github_values.is_pull(raw(each)))
            return shaped(github_values.issue, issues, limit)

    def comment(self, repository: str, number: int, body: str, marker: str = "") -> Json:
        """Comment on an issue: {id, url}; `marker` is hidden at the end of the body."""
        with reading():
            made = self._api.issue(repository, number).create_comment(github_values.marked(body, marker))
            return github_values.comment(raw(made))

    def find_comment(self, repository: str, number: int, marker: str, intended_at: datetime) -> Json | None:
        """Look for the comment with this marker among the issue's comments changed since then."""
        with reading():
            for comment in self._api.issue(repository, number).get_comments(since=utc(intended_at) - CLOCK_SKEW):
                if github_values.marker_of(marker) in (raw(comment).get("body") or ""):
                    return github_values.comment(raw(comment))
        return None

    def update_comment(self, repository: str, comment: int, body: str, marker: str = "") -> Json:
        """Let a comment say this instead: {id, url}; `marker` is hidden at the end of the body."""
        with reading():
            found = self._api.comment(repository, comment)
            found.edit(github_values.marked(body, marker))
            return github_values.comment(held(found, "id", "html_url"))

    def undo_comment(self, repository: str, comment: int, body: str, marker: str) -> None:
        """Delete the comment that `comment` wrote; Conflict where somebody changed it since."""
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
    ) -> list[Json]:
        """List commits, newest first: [{sha, message, author, date, url}]."""
        with reading():
            asked = given(since=utc(since), until=utc(until), sha=branch or None, path=path or None)
            return shaped(github_values.commit, self._api.repository(repository).get_commits(**asked), limit)

    def get_file(self, repository: str, path: str, ref: str = "") -> Json:
        """Read a text file: {path, text, sha, url}; `sha` names its content; InvalidRequest for folder or binary."""
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
        """Commit a file: {path, sha, commit, url of the commit, changed}; Conflict where it changed since `sha`.

        Without `sha` the present file is read first and replaced; `sha=""` says that there must be none.
        A file that already holds the content gets no commit. `marker` becomes a trailer of the commit message.
        """
        with reading():
            path = github_values.file_path(path)
            data = content.encode() if isinstance(content, str) else content
            return write_file(self._api.repository(repository), path, data, message, branch, sha, marker)

    def find_file(self, repository: str, path: str, branch: str, marker: str, intended_at: datetime) -> Json | None:
        """Look for the commit with this marker among those on the path since then."""
        with reading():
            path = github_values.file_path(path)
            return find_commit(self._api.repository(repository), path, branch, marker, intended_at - CLOCK_SKEW)

    def get_content(self, repository: str, path: str, ref: str = "") -> Json:
        """Give a file as bytes, or the entries of a folder: {path, kind, sha, url, content, entries}."""
        with reading():
            path = github_values.file_path(path) if path.strip("/ ") else ""
            return read_content(self._api.repository(repository), path, ref)

    def delete_file(self, repository: str, path: str, message: str, branch: str, sha: str, marker: str = "") -> Json:
        """Commit that a file is gone: {path, sha (empty), commit, url, changed}; Conflict where it changed since `sha`.

        An empty `sha` takes it as it is. Raises NotFound where there is none.
        """
        with reading():
            path = github_values.file_path(path)
            return remove_file(self._api.repository(repository), path, message, branch, sha, marker)

    def find_removal(self, repository: str, path: str, branch: str, marker: str, intended_at: datetime) -> Json | None:
        """Look for the commit with this marker that deleted the file."""
        with reading():
            path = github_values.file_path(path)
            return find_removal(self._api.repository(repository), path, branch, marker, intended_at - CLOCK_SKEW)

    def undo_file(self, repository: str, branch: str, written: Mapping[str, Any], marker: str) -> None:
        """Take back the commit of a file by another commit; `written` is what `put_file` gave, with its `message`.

        Raises Conflict where somebody changed or deleted the file since, or its history is gone.
        """
        with reading():
            path = github_values.file_path(str(written["path"]))
            restore_file(self._api.repository(repository), path, branch, written, marker)

    def request(self, method: str, path: str, query: Mapping[str, Any], body: Any) -> Json:
        """Call any path of the REST API: {status, json}; of this connection's server, never of another.

        `path` begins with one slash and has no host, no query and no "..": raises InvalidRequest else.
        """
        with reading():
            address = github_values.api_path(path)
            status, _, answer = self._api.requester.requestJson(method, address, parameters=dict(query), input=body)
            return {"status": status, "json": json.loads(answer) if answer else None}
