"""Converts pull requests and reviews to the objects of GitHub's REST API."""

from __future__ import annotations

from demo.github.commits import head_sha
from demo.github.objects import (
    Record,
    label,
    labels_of,
    merged_at,
    milestone_of,
    node_id,
    page_of,
    reactions,
    user,
)
from demo.github.refs import ahead, changed_paths, common_ancestor, files_between
from demo.github.repositories import shown_repository
from demo.store import Store


def head_of(store: Store, record: Record) -> str:
    """Return the head commit of a pull request: its branch's, while it is open and the branch exists."""
    pull = record["pull"]
    present = head_sha(store, record["repository"], pull["head"]) if record["state"] == "open" else ""
    return str(present or pull["head_sha"])


def base_of(store: Store, record: Record) -> str:
    """Return the base commit of a pull request: the branch's head at the merge, or the current one."""
    pull = record["pull"]
    return str(pull.get("merged_onto") or head_sha(store, record["repository"], pull["base"]))


def _side(base: str, store: Store, record: Record, branch: str, sha: str) -> Record:
    repository = store.get("github/repositories", record["repository"]) or {}
    owner = record["repository"].partition("/")[0]
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": user(base, owner),
        "repo": shown_repository(base, store, repository),
    }


def simple_pull(base: str, store: Store, record: Record) -> Record:
    """Return a pull request as it appears in lists."""
    name, number, pull = record["repository"], record["number"], record["pull"]
    html, head = page_of(base, record), head_of(store, record)
    links = _links(f"{base}/repos/{name}", number, html, head)
    assignees = [user(base, each) for each in record["assignees"]]
    return {
        "url": links["self"],
        "id": record["id"],
        "node_id": node_id("PR", record["id"]),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        **{f"{key}_url": target for key, target in links.items() if key not in {"self", "html"}},
        "number": number,
        "state": record["state"],
        "locked": record.get("locked", False),
        "active_lock_reason": record.get("lock_reason"),
        "title": record["title"],
        "user": user(base, record["user"]),
        "body": record["body"],
        "labels": [label(base, each) for each in labels_of(store, record)],
        "milestone": milestone_of(base, store, record),
        **{key: record[key] for key in ("created_at", "updated_at", "closed_at")},
        "merged_at": merged_at(record),
        "merge_commit_sha": pull["merge_commit_sha"],
        "assignee": assignees[0] if assignees else None,
        "assignees": assignees,
        "requested_reviewers": [user(base, each) for each in pull["reviewers"]],
        "requested_teams": [],
        "head": _side(base, store, record, pull["head"], head),
        "base": _side(base, store, record, pull["base"], base_of(store, record)),
        "_links": {key: {"href": target} for key, target in links.items()},
        "author_association": "COLLABORATOR",
        "auto_merge": None,
        "draft": pull["draft"],
    }


def _links(repository: str, number: int, html: str, head: str) -> dict[str, str]:
    """Return the URLs of a pull request's resources, under GitHub's names."""
    url, issue = f"{repository}/pulls/{number}", f"{repository}/issues/{number}"
    return {
        "self": url,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{repository}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{repository}/statuses/{head}",
    }


def is_mergeable(store: Store, record: Record) -> bool:
    """Return whether no file was changed differently on both sides."""
    name, base, head = record["repository"], base_of(store, record), head_of(store, record)
    start = common_ancestor(store, name, base, head)
    trees = [(store.get("github/commits", f"{name}@{sha}") or {"tree": {}})["tree"] for sha in (base, head)]
    origin: dict[str, str] = start["tree"] if start else {}
    ours, theirs = (set(changed_paths(origin, tree)) for tree in trees)
    return all(trees[0].get(path) == trees[1].get(path) for path in ours & theirs)


def files_of(base: str, store: Store, record: Record) -> list[Record]:
    """Return a pull request's changes to each file."""
    name, head = record["repository"], head_of(store, record)
    start = common_ancestor(store, name, base_of(store, record), head)
    return files_between(
        base, store, start["tree"] if start else {}, store.get("github/commits", f"{name}@{head}") or {}
    )


def whole_pull(base: str, store: Store, record: Record) -> Record:
    """Return a pull request with its counts and whether it can be merged."""
    pull, is_open = record["pull"], record["state"] == "open"
    files = files_of(base, store, record)
    # GitHub computes this in the background, and answers None meanwhile; the stand-in knows it at once.
    mergeable = is_mergeable(store, record) if is_open else None
    return {
        **simple_pull(base, store, record),
        "merged": merged_at(record) is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": "unknown" if mergeable is None else "clean" if mergeable else "dirty",
        "merged_by": user(base, pull["merged_by"]) if pull["merged_by"] else None,
        "comments": record["comments"],
        "review_comments": sum(
            (each["repository"], each["pull"]) == (record["repository"], record["number"])
            for each in store.all("github/review_comments")
        ),
        "maintainer_can_modify": False,
        "commits": len(ahead(store, record["repository"], base_of(store, record), head_of(store, record))),
        "additions": sum(each["additions"] for each in files),
        "deletions": sum(each["deletions"] for each in files),
        "changed_files": len(files),
    }


def review(base: str, record: Record) -> Record:
    """Return a review of a pull request."""
    url = f"{base}/repos/{record['repository']}/pulls/{record['pull']}"
    html = f"{base}/{record['repository']}/pull/{record['pull']}#pullrequestreview-{record['id']}"
    return {
        "id": record["id"],
        "node_id": node_id("PRR", record["id"]),
        "user": user(base, record["user"]),
        "body": record["body"],
        "state": record["state"],
        "html_url": html,
        "pull_request_url": url,
        "_links": {"html": {"href": html}, "pull_request": {"href": url}},
        "submitted_at": record["submitted_at"],
        "commit_id": record["commit"],
        "author_association": "COLLABORATOR",
    }


def review_comment(base: str, record: Record) -> Record:
    """Return a comment on a line of a pull request."""
    pull = f"{base}/repos/{record['repository']}/pulls/{record['pull']}"
    url = f"{base}/repos/{record['repository']}/pulls/comments/{record['id']}"
    html = f"{base}{record['html']}#discussion_r{record['id']}"
    return {
        "id": record["id"],
        "node_id": node_id("PRRC", record["id"]),
        "pull_request_review_id": None,
        "url": url,
        "html_url": html,
        "pull_request_url": pull,
        "_links": {"self": {"href": url}, "html": {"href": html}, "pull_request": {"href": pull}},
        "diff_hunk": record["patch"],
        "path": record["path"],
        "commit_id": record["commit"],
        "original_commit_id": record["commit"],
        **dict.fromkeys(("line", "original_line"), record["line"]),
        "side": record["side"],
        "subject_type": "line",
        "user": user(base, record["user"]),
        "body": record["body"],
        "created_at": record["created_at"],
        "updated_at": record["updated_at"],
        "author_association": "COLLABORATOR",
        "reactions": reactions(url),
    }
