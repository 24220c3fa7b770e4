"""Commits: the history of each branch; every commit has the state of all files, and its changes."""

from __future__ import annotations

import base64
import difflib
import hashlib

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import not_found, page, since
from demo.github.objects import BRANCH, Record, node_id, tree_sha, user
from demo.github.records import REPOSITORY, repository_of
from demo.service import Refused
from demo.store import Store

_MOST_PAIRS = 1_000_000
"""Most pairs of lines to compare; with more, `difflib` may take minutes."""


def blob_sha(content: bytes) -> str:
    """Return git's blob id of a content."""
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def head_sha(store: Store, name: str, branch: str = BRANCH) -> str:
    """Return a branch's head commit, or "" if there is no such branch."""
    known = store.get("github/refs", f"{name}@{branch}")
    if known is not None:
        return str(known["sha"])
    # Data from before there were branches.
    commits = [each["sha"] for each in store.all("github/commits") if each["repository"] == name]
    return str(commits[-1]) if commits and branch == BRANCH else ""


def set_head(store: Store, name: str, branch: str, sha: str) -> None:
    """Move a branch to a commit."""
    store.put("github/refs", f"{name}@{branch}", {"repository": name, "branch": branch, "sha": sha})


def history(store: Store, name: str, head: str = "") -> list[Record]:
    """Return the commits that lead to `head` (default: the head of the main branch), newest first."""
    commits = {each["sha"]: each for each in store.all("github/commits") if each["repository"] == name}
    seen: set[str] = set()
    ahead = [head or head_sha(store, name)]
    while ahead:
        sha = ahead.pop()
        if sha in commits and sha not in seen:
            seen.add(sha)
            ahead += commits[sha]["parents"]
    return [each for sha, each in commits.items() if sha in seen][::-1]


def new_commit(
    store: Store,
    name: str,
    changes: dict[str, bytes | None],
    message: str,
    person: Record,
    committed_at: str,
    branch: str = BRANCH,
    merged: str = "",
) -> Record:
    """Commit files to a branch (None deletes one); `person` is {name, email, login}.

    For a merge, `merged` is the commit whose changes are brought in.
    """
    parent = store.get("github/commits", f"{name}@{head_sha(store, name, branch)}")
    before: dict[str, str] = dict(parent["tree"]) if parent else {}
    after = dict(before)
    for path, content in changes.items():
        if content is None:
            after.pop(path)
        else:
            after[path] = blob_sha(content)
            store.put("github/blobs", after[path], {"content": base64.b64encode(content).decode()})
    signature = {"name": person["name"], "email": person["email"], "date": committed_at}
    parents = [*([parent["sha"]] if parent else []), *([merged] if merged else [])]
    described = repr((tree_sha(after), parents, message, signature))
    record: Record = {
        "repository": name,
        "sha": hashlib.sha1(described.encode(), usedforsecurity=False).hexdigest(),
        "message": message,
        "author": signature,
        "login": person["login"],
        "parents": parents,
        "tree": after,
        "before": before,
        "paths": list(changes),
    }
    store.put("github/commits", f"{name}@{record['sha']}", record)
    set_head(store, name, branch, record["sha"])
    return record


def content_of(store: Store, sha: str | None) -> bytes:
    """Return the content with this id, empty for None."""
    blob = store.get("github/blobs", sha) if sha else None
    return base64.b64decode(blob["content"]) if blob else b""


def _difference(store: Store, old: str | None, new: str | None) -> list[str]:
    """Return two contents' differences as lines of a unified diff; in long ones, all lines count as replaced."""
    before, after = (content_of(store, sha).decode("utf-8", "replace").splitlines() for sha in (old, new))
    if len(before) * len(after) > _MOST_PAIRS:
        ranges = f"@@ -1,{len(before)} +1,{len(after)} @@"
        return [ranges, *(f"-{line}" for line in before), *(f"+{line}" for line in after)]
    return list(difflib.unified_diff(before, after, lineterm=""))[2:]


def changed_file(base: str, store: Store, record: Record, path: str, before: dict[str, str]) -> Record:
    """Describe the change of a file between the state `before` and a commit."""
    old, new = before.get(path), record["tree"].get(path)
    lines = _difference(store, old, new)
    added, removed = (sum(each.startswith(sign) for each in lines) for sign in "+-")
    name, sha = record["repository"], record["sha"]
    return {
        "sha": new or old,
        "filename": path,
        "status": "added" if old is None else "removed" if new is None else "modified",
        "additions": added,
        "deletions": removed,
        "changes": added + removed,
        "blob_url": f"{base}/{name}/blob/{sha}/{path}",
        "raw_url": f"{base}/{name}/raw/{sha}/{path}",
        "contents_url": f"{base}/repos/{name}/contents/{path}?ref={sha}",
        "patch": "\n".join(lines),
    }


def git_commit(base: str, record: Record) -> Record:
    """Return the git part of a commit, as in the answer to a write."""
    name, sha = record["repository"], record["sha"]
    tree = tree_sha(record["tree"])
    return {
        "sha": sha,
        "node_id": node_id("C", sha),
        "url": f"{base}/repos/{name}/git/commits/{sha}",
        "html_url": f"{base}/{name}/commit/{sha}",
        "author": record["author"],
        "committer": record["author"],
        "message": record["message"],
        "tree": {"sha": tree, "url": f"{base}/repos/{name}/git/trees/{tree}"},
        "parents": _parents(base, record, "git/commits"),
        "verification": {
            "verified": False,
            "reason": "unsigned",
            "signature": None,
            "payload": None,
            "verified_at": None,
        },
    }


def _parents(base: str, record: Record, kind: str) -> list[Record]:
    name = record["repository"]
    return [
        {"sha": sha, "url": f"{base}/repos/{name}/{kind}/{sha}", "html_url": f"{base}/{name}/commit/{sha}"}
        for sha in record["parents"]
    ]


def commit(base: str, record: Record) -> Record:
    """Return a commit as it appears in lists."""
    name, sha = record["repository"], record["sha"]
    inner = git_commit(base, record)
    person = user(base, record["login"])
    return {
        "sha": sha,
        "node_id": inner["node_id"],
        "commit": {
            **{key: inner[key] for key in ("author", "committer", "message", "tree", "url", "verification")},
            "comment_count": 0,
        },
        "url": f"{base}/repos/{name}/commits/{sha}",
        "html_url": inner["html_url"],
        "comments_url": f"{base}/repos/{name}/commits/{sha}/comments",
        "author": person,
        "committer": person,
        "parents": _parents(base, record, "commits"),
    }


def whole_commit(base: str, store: Store, record: Record) -> Record:
    """Return a commit with its files and patches."""
    files = [changed_file(base, store, record, path, record["before"]) for path in record["paths"]]
    added, removed = (sum(each[key] for each in files) for key in ("additions", "deletions"))
    stats = {"total": added + removed, "additions": added, "deletions": removed}
    return {**commit(base, record), "stats": stats, "files": files}


def find_commit(store: Store, name: str, reference: str) -> Record | None:
    """Return the commit of a branch, a tag, or an abbreviated sha (7 or more digits)."""
    branch = reference.removeprefix("refs/").removeprefix("heads/")
    sha = head_sha(store, name, BRANCH if branch in {"", "HEAD"} else branch)
    tag = store.get("github/tags", f"{name}@{reference.removeprefix('refs/').removeprefix('tags/')}")
    sha = sha or (tag["sha"] if tag else "")
    if sha:
        return store.get("github/commits", f"{name}@{sha}")
    commits = [each for each in store.all("github/commits") if each["repository"] == name]
    found = [each for each in commits if len(reference) >= 7 and each["sha"].startswith(reference)]
    return found[0] if len(found) == 1 else None


def list_commits(call: StandInCall) -> StandInReply:
    """GET /repos/{owner}/{repo}/commits with sha, path, author, since, until and paging, newest first."""
    name = repository_of(call)["full_name"]
    head = find_commit(call.store, name, call.query("sha"))
    if head is None:
        raise not_found()
    commits = history(call.store, name, head["sha"])
    first, last = since(call), since(call, "until") or "9999"
    path, author = call.query("path"), call.query("author")
    kept = [
        each
        for each in commits
        if first <= each["author"]["date"] <= last
        and (not path or any(f"{changed}/".startswith(f"{path.strip('/')}/") for changed in each["paths"]))
        and author in {"", each["login"], each["author"]["email"]}
    ]
    return page(call, kept, lambda each: commit(call.base, each))


def get_commit(call: StandInCall) -> StandInReply:
    """GET one commit by sha or branch name."""
    found = find_commit(call.store, repository_of(call)["full_name"], call.part("reference"))
    if found is None:
        raise Refused(422, f"No commit found for SHA: {call.part('reference')}")
    return StandInReply(whole_commit(call.base, call.store, found))


TABLE: Table = (
    ("GET", f"{REPOSITORY}/commits", list_commits),
    ("GET", f"{REPOSITORY}/commits/{{reference:path}}", get_commit),
)
