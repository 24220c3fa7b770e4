"""Repositories and users."""

from __future__ import annotations

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import login, not_found, page
from demo.github.commits import history
from demo.github.objects import Record, private_user, repository
from demo.github.records import REPOSITORY, open_count, repository_of
from demo.store import Store


def shown_repository(base: str, store: Store, record: Record) -> Record:
    """Return a repository with its current times and counts."""
    commits = history(store, record["full_name"])
    pushed_at = commits[0]["author"]["date"] if commits else record["created_at"]
    times = {"pushed_at": pushed_at, "updated_at": pushed_at}
    return repository(base, {**record, **times}, open_count(store, record["full_name"]))


def get_repository(call: StandInCall) -> StandInReply:
    """GET /repos/{owner}/{repo}."""
    return StandInReply(shown_repository(call.base, call.store, repository_of(call)))


def list_repositories(call: StandInCall) -> StandInReply:
    """GET /user/repos."""
    found = call.store.all("github/repositories")
    return page(call, found, lambda each: shown_repository(call.base, call.store, each))


def get_own_user(call: StandInCall) -> StandInReply:
    """GET /user."""
    created_at = call.store.all("github/repositories")[0]["created_at"]
    # GitHub names the scopes of a classic token in each answer; the check of a connection reads them here.
    scopes = {"x-oauth-scopes": "repo, read:user"}
    return StandInReply(private_user(call.base, login(call.store), created_at), headers=scopes)


def get_user(call: StandInCall) -> StandInReply:
    """GET /users/{login}."""
    known = {login(call.store)}
    for each in call.store.all("github/repositories"):
        known |= {*each["collaborators"], each["full_name"].partition("/")[0]}
    if call.part("login") not in known:
        raise not_found()
    return StandInReply(private_user(call.base, call.part("login"), "2020-01-01T00:00:00Z"))


TABLE: Table = (
    ("GET", "/user", get_own_user),
    ("GET", "/user/repos", list_repositories),
    ("GET", "/users/{login}", get_user),
    ("GET", REPOSITORY, get_repository),
)
