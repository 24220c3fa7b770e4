"""Branches, their refs, and comparisons of commits."""

from __future__ import annotations

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import not_found, page, text
from demo.github.commits import changed_file, commit, find_commit, head_sha, history, set_head, whole_commit
from demo.github.objects import BRANCH, Record, node_id
from demo.github.records import REPOSITORY, repository_of
from demo.service import Refused
from demo.store import Store

# https://docs.github.com/rest/commits/commits#compare-two-commits
MOST_FILES = 300


def branches_of(store: Store, name: str) -> dict[str, str]:
    """Return a repository's branches by name, with their head commits."""
    found = {each["branch"]: each["sha"] for each in store.all("github/refs") if each["repository"] == name}
    main = head_sha(store, name)
    return dict(sorted({**({BRANCH: main} if main else {}), **found}.items()))


def _short_branch(call: StandInCall, name: str, branch: str, sha: str) -> Record:
    url = f"{call.base}/repos/{name}"
    return {
        "name": branch,
        "commit": {"sha": sha, "url": f"{url}/commits/{sha}"},
        "protected": False,
        "protection": {"enabled": False, "required_status_checks": {"contexts": [], "checks": []}},
        "protection_url": f"{url}/branches/{branch}/protection",
    }


def list_branches(call: StandInCall) -> StandInReply:
    """GET the branches of a repository."""
    name = repository_of(call)["full_name"]
    return page(call, list(branches_of(call.store, name).items()), lambda each: _short_branch(call, name, *each))


def get_branch(call: StandInCall) -> StandInReply:
    """GET one branch with its head commit."""
    name, branch = repository_of(call)["full_name"], call.part("branch")
    sha = branches_of(call.store, name).get(branch)
    if sha is None:
        raise Refused(404, "Branch not found")
    record = call.store.get("github/commits", f"{name}@{sha}") or {}
    links = {"self": f"{call.base}/repos/{name}/branches/{branch}", "html": f"{call.base}/{name}/tree/{branch}"}
    shown = {**_short_branch(call, name, branch, sha), "_links": links}
    return StandInReply({**shown, "commit": commit(call.base, record)})


def _ref(call: StandInCall, name: str, branch: str, sha: str) -> Record:
    url = f"{call.base}/repos/{name}/git"
    return {
        "ref": f"refs/heads/{branch}",
        "node_id": node_id("REF", f"{name}@{branch}"),
        "url": f"{url}/refs/heads/{branch}",
        "object": {"type": "commit", "sha": sha, "url": f"{url}/commits/{sha}"},
    }


def get_ref(call: StandInCall) -> StandInReply:
    """GET the ref of a branch."""
    name, branch = repository_of(call)["full_name"], call.part("branch")
    sha = branches_of(call.store, name).get(branch)
    if sha is None:
        raise not_found()
    return StandInReply(_ref(call, name, branch, sha))


def create_ref(call: StandInCall) -> StandInReply:
    """POST a branch; 422 if it exists or the commit does not."""
    name = repository_of(call)["full_name"]
    ref = str(text(call, "Reference", "ref", longest=250))
    sha = str(text(call, "Reference", "sha", longest=40))
    branch = ref.removeprefix("refs/heads/")
    if branch == ref or not branch or ".." in branch or " " in branch:
        raise Refused(422, "Reference name must start with 'refs/heads/'.")
    if branch in branches_of(call.store, name):
        raise Refused(422, "Reference already exists")
    if call.store.get("github/commits", f"{name}@{sha}") is None:
        raise Refused(422, "Object does not exist")
    set_head(call.store, name, branch, sha)
    shown = _ref(call, name, branch, sha)
    return StandInReply(shown, 201, {"location": shown["url"]})


def delete_ref(call: StandInCall) -> StandInReply:
    """DELETE a branch."""
    name, branch = repository_of(call)["full_name"], call.part("branch")
    if branch not in branches_of(call.store, name):
        raise Refused(422, "Reference does not exist")
    call.store.delete("github/refs", f"{name}@{branch}")
    return StandInReply(None, 204)


def common_ancestor(store: Store, name: str, base: str, head: str) -> Record | None:
    """Return the newest common commit."""
    inside = {each["sha"] for each in history(store, name, base)}
    return next((each for each in history(store, name, head) if each["sha"] in inside), None)


def changed_paths(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the files that differ between two states."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def files_between(base: str, store: Store, before: dict[str, str], head: Record) -> list[Record]:
    """Return the changed files up to `head`."""
    return [changed_file(base, store, head, path, before) for path in changed_paths(before, head["tree"])]


def ahead(store: Store, name: str, base: str, head: str) -> list[Record]:
    """Return the commits of `head` that `base` lacks, oldest first."""
    inside = {each["sha"] for each in history(store, name, base)}
    return [each for each in history(store, name, head) if each["sha"] not in inside][::-1]


def compare(call: StandInCall) -> StandInReply:
    """GET /repos/{owner}/{repo}/compare/{base}...{head}; the first page has the files."""
    name, store = repository_of(call)["full_name"], call.store
    first, dots, second = call.part("basehead").partition("...")
    base, head = (find_commit(store, name, each) for each in (first, second))
    if not dots or base is None or head is None:
        raise not_found()
    new, missing = ahead(store, name, base["sha"], head["sha"]), ahead(store, name, head["sha"], base["sha"])
    merge_base = common_ancestor(store, name, base["sha"], head["sha"]) or base
    status = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}
    url, html = f"{call.base}/repos/{name}/compare/{first}...{second}", f"{call.base}/{name}/compare/{first}...{second}"
    around = {
        "url": url,
        "html_url": html,
        "permalink_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": whole_commit(call.base, store, base),
        "merge_base_commit": whole_commit(call.base, store, merge_base),
        "status": status.get((bool(new), bool(missing)), "identical"),
        "ahead_by": len(new),
        "behind_by": len(missing),
        "total_commits": len(new),
    }
    files = files_between(call.base, store, merge_base["tree"], head)[:MOST_FILES]
    on_first_page = call.query("page") in {"", "1"}
    return page(
        call,
        new,
        lambda each: commit(call.base, each),
        lambda items: {**around, "commits": items, **({"files": files} if on_first_page else {})},
    )


TABLE: Table = (
    ("GET", f"{REPOSITORY}/branches", list_branches),
    ("GET", f"{REPOSITORY}/branches/{{branch:path}}", get_branch),
    ("GET", f"{REPOSITORY}/git/ref/heads/{{branch:path}}", get_ref),
    ("GET", f"{REPOSITORY}/git/refs/heads/{{branch:path}}", get_ref),
    ("POST", f"{REPOSITORY}/git/refs", create_ref),
    ("DELETE", f"{REPOSITORY}/git/refs/heads/{{branch:path}}", delete_ref),
    ("GET", f"{REPOSITORY}/compare/{{basehead:path}}", compare),
)
