"""Converts stored records to the objects of GitHub's REST API; every URL starts with the client's own origin."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any
from urllib.parse import quote

from demo.store import Store

Record = dict[str, Any]
BRANCH = "main"
USER_LINKS = {
    "followers_url": "followers",
    "following_url": "following{/other_user}",
    "gists_url": "gists{/gist_id}",
    "starred_url": "starred{/owner}{/repo}",
    "subscriptions_url": "subscriptions",
    "organizations_url": "orgs",
    "repos_url": "repos",
    "events_url": "events{/privacy}",
    "received_events_url": "received_events",
}
REPOSITORY_LINKS = {
    "archive_url": "{archive_format}{/ref}",
    "assignees_url": "assignees{/user}",
    "blobs_url": "git/blobs{/sha}",
    "branches_url": "branches{/branch}",
    "collaborators_url": "collaborators{/collaborator}",
    "comments_url": "comments{/number}",
    "commits_url": "commits{/sha}",
    "compare_url": "compare/{base}...{head}",
    "contents_url": "contents/{+path}",
    "contributors_url": "contributors",
    "deployments_url": "deployments",
    "downloads_url": "downloads",
    "events_url": "events",
    "forks_url": "forks",
    "git_commits_url": "git/commits{/sha}",
    "git_refs_url": "git/refs{/sha}",
    "git_tags_url": "git/tags{/sha}",
    "hooks_url": "hooks",
    "issue_comment_url": "issues/comments{/number}",
    "issue_events_url": "issues/events{/number}",
    "issues_url": "issues{/number}",
    "keys_url": "keys{/key_id}",
    "labels_url": "labels{/name}",
    "languages_url": "languages",
    "merges_url": "merges",
    "milestones_url": "milestones{/number}",
    "notifications_url": "notifications{?since,all,participating}",
    "pulls_url": "pulls{/number}",
    "releases_url": "releases{/id}",
    "stargazers_url": "stargazers",
    "statuses_url": "statuses/{sha}",
    "subscribers_url": "subscribers",
    "subscription_url": "subscription",
    "tags_url": "tags",
    "teams_url": "teams",
    "trees_url": "git/trees{/sha}",
}


def node_id(kind: str, key: object) -> str:
    """Return an opaque id in GitHub's form."""
    return f"{kind}_{base64.urlsafe_b64encode(str(key).encode()).decode().rstrip('=')}"


def user(base: str, login: str) -> Record:
    """Return a simple user (an organization for the name acme)."""
    url = f"{base}/users/{login}"
    return {
        "login": login,
        # Not `hash`, which differs from process to process.
        "id": zlib.crc32(login.encode()) or 1,
        "node_id": node_id("U", login),
        "avatar_url": f"{base}/avatars/{login}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{base}/{login}",
        **{name: f"{url}/{path}" for name, path in USER_LINKS.items()},
        "type": "Organization" if login == "acme" else "User",
        "site_admin": False,
    }


def private_user(base: str, login: str, created_at: str) -> Record:
    """Return the signed-in user in the form of `GET /user`."""
    nothing = dict.fromkeys(("company", "location", "hireable", "bio"))
    counts = dict.fromkeys(
        ("public_repos", "public_gists", "followers", "following", "private_gists", "total_private_repos"), 0
    )
    return {
        **user(base, login),
        **nothing,
        **counts,
        "name": "Demo account",
        "blog": "",
        "email": f"{login}@example.com",
        "created_at": created_at,
        "updated_at": created_at,
        "owned_private_repos": 0,
        "disk_usage": 0,
        "collaborators": 0,
        "two_factor_authentication": True,
    }


def repository(base: str, record: Record, open_issues: int) -> Record:
    """Return a repository with all fields of `GET /repos/{owner}/{repo}`."""
    name, short = record["full_name"], record["full_name"].partition("/")[2]
    url, html_url = f"{base}/repos/{name}", f"{base}/{name}"
    return {
        "id": record["id"],
        "node_id": node_id("R", record["id"]),
        "name": short,
        "full_name": name,
        "private": record["private"],
        "visibility": "private" if record["private"] else "public",
        "owner": user(base, name.partition("/")[0]),
        "html_url": html_url,
        "description": record["description"],
        "fork": False,
        "url": url,
        **{key: f"{url}/{path}" for key, path in REPOSITORY_LINKS.items()},
        "git_url": f"git://example.com/{name}.git",
        "ssh_url": f"git@example.com:{name}.git",
        "clone_url": f"{html_url}.git",
        "svn_url": html_url,
        "mirror_url": None,
        "homepage": None,
        "language": record["language"],
        "license": None,
        "topics": [],
        "default_branch": BRANCH,
        **{key: record[key] for key in ("created_at", "updated_at", "pushed_at")},
        **dict.fromkeys(("has_issues", "has_downloads"), True),
        **dict.fromkeys(("has_projects", "has_wiki", "has_pages", "has_discussions"), False),
        **dict.fromkeys(("archived", "disabled", "is_template", "web_commit_signoff_required"), False),
        **dict.fromkeys(("forks_count", "stargazers_count", "watchers_count", "forks", "watchers", "size"), 0),
        **dict.fromkeys(("subscribers_count", "network_count"), 0),
        "open_issues_count": open_issues,
        "open_issues": open_issues,
        "allow_forking": False,
        "permissions": {"admin": False, "maintain": False, "push": True, "triage": True, "pull": True},
    }


def label(base: str, record: Record) -> Record:
    """Return a label of a repository."""
    return {
        "id": record["id"],
        "node_id": node_id("LA", record["id"]),
        "url": f"{base}/repos/{record['repository']}/labels/{quote(record['name'])}",
        "name": record["name"],
        "color": record["color"],
        "default": False,
        "description": record["description"],
        "archived_at": None,
        "archived_by": None,
    }


def issue(base: str, store: Store, record: Record) -> Record:
    """Return an issue."""
    name, number = record["repository"], record["number"]
    url = f"{base}/repos/{name}/issues/{number}"
    labels = labels_of(store, record)
    assignees = [user(base, each) for each in record["assignees"]]
    closed_by = record.get("closed_by")
    return {
        "id": record["id"],
        "node_id": node_id("I", record["id"]),
        "url": url,
        "repository_url": f"{base}/repos/{name}",
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": page_of(base, record),
        "number": number,
        "state": record["state"],
        "state_reason": record["state_reason"],
        "title": record["title"],
        "body": record["body"],
        "user": user(base, record["user"]),
        "labels": [label(base, each) for each in labels],
        "assignee": assignees[0] if assignees else None,
        "assignees": assignees,
        "milestone": milestone_of(base, store, record),
        "locked": record.get("locked", False),
        "active_lock_reason": record.get("lock_reason"),
        "comments": record["comments"],
        "created_at": record["created_at"],
        "updated_at": record["updated_at"],
        "closed_at": record["closed_at"],
        "closed_by": user(base, closed_by) if closed_by else None,
        "author_association": "COLLABORATOR",
        "reactions": reactions(url),
        **_pull_links(base, record),
    }


def page_of(base: str, record: Record) -> str:
    """Return the web address of an issue or pull request."""
    return f"{base}/{record['repository']}/{'pull' if 'pull' in record else 'issues'}/{record['number']}"


def _pull_links(base: str, record: Record) -> Record:
    """Return the fields that mark an issue as a pull request."""
    if "pull" not in record:
        return {}
    html = page_of(base, record)
    links = {"html_url": html, "diff_url": f"{html}.diff", "patch_url": f"{html}.patch"}
    url = f"{base}/repos/{record['repository']}/pulls/{record['number']}"
    return {"draft": record["pull"]["draft"], "pull_request": {"url": url, **links, "merged_at": merged_at(record)}}


def merged_at(record: Record) -> str | None:
    """Return when a pull request was merged."""
    found: str | None = record["pull"]["merged_at"]
    return found


def labels_of(store: Store, record: Record) -> list[Record]:
    """Return the stored labels of an issue."""
    found = [store.get("github/labels", f"{record['repository']}:{each.lower()}") for each in record["labels"]]
    return [each for each in found if each]


def milestone_of(base: str, store: Store, record: Record) -> Record | None:
    """Return the milestone of an issue."""
    found = store.get("github/milestones", f"{record['repository']}#{record.get('milestone')}")
    return milestone(base, store, found) if found else None


def milestone(base: str, store: Store, record: Record) -> Record:
    """Return a milestone with its issue counts."""
    name, number = record["repository"], record["number"]
    url = f"{base}/repos/{name}/milestones/{number}"
    inside = [
        each for each in store.all("github/issues") if (each["repository"], each.get("milestone")) == (name, number)
    ]
    return {
        "url": url,
        "html_url": f"{base}/{name}/milestone/{number}",
        "labels_url": f"{url}/labels",
        "id": record["id"],
        "node_id": node_id("MI", record["id"]),
        "number": number,
        "state": record["state"],
        "title": record["title"],
        "description": record["description"],
        "creator": user(base, record["user"]),
        "open_issues": sum(each["state"] == "open" for each in inside),
        "closed_issues": sum(each["state"] == "closed" for each in inside),
        "created_at": record["created_at"],
        "updated_at": record["created_at"],
        "closed_at": None,
        "due_on": None,
    }


def comment(base: str, record: Record) -> Record:
    """Return a comment on an issue."""
    name, number = record["repository"], record["issue"]
    url = f"{base}/repos/{name}/issues/comments/{record['id']}"
    return {
        "id": record["id"],
        "node_id": node_id("IC", record["id"]),
        "url": url,
        "html_url": f"{base}/{name}/issues/{number}#issuecomment-{record['id']}",
        "issue_url": f"{base}/repos/{name}/issues/{number}",
        "user": user(base, record["user"]),
        "body": record["body"],
        "created_at": record["created_at"],
        "updated_at": record["updated_at"],
        "author_association": "COLLABORATOR",
        "reactions": reactions(url),
    }


def reactions(url: str) -> Record:
    """Return how often each reaction was given: never, here."""
    kinds = ("total_count", "+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": f"{url}/reactions", **dict.fromkeys(kinds, 0)}


def tree_sha(tree: dict[str, str]) -> str:
    """Return a stable id for the state of all files (not git's own tree hash)."""
    return hashlib.sha1(repr(sorted(tree.items())).encode(), usedforsecurity=False).hexdigest()
