"""The stored records of GitHub issues: find, create, save."""

from __future__ import annotations

import time

from demo.call import StandInCall
from demo.github.call import not_found
from demo.github.objects import Record
from demo.store import Store

# GitHub's index needs some seconds, too; a client that searches for what it just wrote must expect to miss it.
SEARCH_LAG_SECONDS = 5
REPOSITORY = "/repos/{owner}/{name}"


def repository_of(call: StandInCall) -> Record:
    """Return the repository in the path (case-insensitive); raises Refused 404."""
    wanted = f"{call.part('owner')}/{call.part('name')}".lower()
    found = call.store.get("github/repositories", wanted)
    if found is None:
        raise not_found()
    return found


def issues_of(store: Store, repository: str) -> list[Record]:
    """Return all issues of a repository, oldest first."""
    return [each for each in store.all("github/issues") if each["repository"] == repository]


def open_count(store: Store, repository: str) -> int:
    """Return the number of open issues."""
    return sum(each["state"] == "open" for each in issues_of(store, repository))


def save(store: Store, record: Record) -> None:
    """Save an issue; the search index follows later."""
    store.put("github/issues", f"{record['repository']}#{record['number']}", record)
    key, moment = f"{record['repository']}#{record['number']}", time.time()
    versions = (store.get("github/search", key) or {"versions": []})["versions"]
    # Only the last version that search can see already is kept; older ones are never shown again.
    old = [each for each in versions if each[0] <= moment - SEARCH_LAG_SECONDS]
    new = versions[len(old) :]
    store.put("github/search", key, {"versions": [*old[-1:], *new, [moment, record]]})


def new_issue(store: Store, repository: str, values: Record, created_at: str) -> Record:
    """Create an issue, and its missing labels, as GitHub does."""
    for each in values["labels"]:
        new_label(store, repository, each, "ededed", None)
    record: Record = {
        "id": 2_600_000_000 + store.next_number("github/id"),
        "repository": repository,
        "number": store.next_number(f"github/number/{repository}"),
        "state": "open",
        "state_reason": None,
        "comments": 0,
        "created_at": created_at,
        "updated_at": created_at,
        "closed_at": None,
        **values,
    }
    save(store, record)
    return record


def new_label(store: Store, repository: str, name: str, color: str, description: str | None) -> Record:
    """Return the label with this name (case-insensitive), created if missing."""
    key = f"{repository}:{name.lower()}"
    record = store.get("github/labels", key)
    if record is None:
        number = 7_000_000_000 + store.next_number("github/id")
        record = {"id": number, "repository": repository, "name": name, "color": color, "description": description}
        store.put("github/labels", key, record)
    return record


def new_comment(store: Store, record: Record, user: str, body: str, created_at: str) -> Record:
    """Add a comment to an issue."""
    number = 3_100_000_000 + store.next_number("github/id")
    added = {
        "id": number,
        "repository": record["repository"],
        "issue": record["number"],
        "user": user,
        "body": body,
        "created_at": created_at,
        "updated_at": created_at,
    }
    store.put("github/comments", str(number), added)
    save(store, {**record, "comments": record["comments"] + 1, "updated_at": created_at})
    return added


def issue_of(call: StandInCall) -> Record:
    """Return the issue in the path; raises Refused 404."""
    repository, number = repository_of(call)["full_name"], call.part("number")
    found = call.store.get("github/issues", f"{repository}#{number}")
    if found is None:
        raise not_found()
    return found


def labels_of(store: Store, repository: str) -> list[Record]:
    """Return a repository's labels by name."""
    kept = [each for each in store.all("github/labels") if each["repository"] == repository]
    return sorted(kept, key=lambda each: each["name"].lower())
