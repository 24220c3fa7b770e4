"""Pull requests: create, read, change, review, merge."""

from __future__ import annotations

from typing import Any

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import BODY_LENGTH, login, not_found, now, page, text
from demo.github.commits import content_of, find_commit, head_sha, new_commit
from demo.github.contents import person
from demo.github.events import request_review
from demo.github.issues import TITLE_LENGTH, set_state
from demo.github.objects import Record
from demo.github.pull_objects import base_of, files_of, head_of, is_mergeable, review, simple_pull, whole_pull
from demo.github.records import REPOSITORY, issue_of, issues_of, new_issue, repository_of, save
from demo.github.refs import ahead, branches_of, changed_paths, common_ancestor
from demo.service import Refused
from demo.store import Store

EVENTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def pull_of(call: StandInCall) -> Record:
    """Return the pull request in the path; raises Refused 404, also for an issue."""
    record = issue_of(call)
    if "pull" not in record:
        raise not_found()
    return record


def _unfit(message: str) -> Refused:
    return Refused(422, "Validation Failed", errors=[{"resource": "PullRequest", "code": "custom", "message": message}])


def new_pull(store: Store, repository: str, values: Record, sides: Record, created_at: str) -> Record:
    """Create a pull request; `sides` is {head, base, draft, reviewers}."""
    nothing = dict.fromkeys(("merged_at", "merged_by", "merge_commit_sha"))
    record = new_issue(store, repository, {"labels": [], "assignees": [], **values}, created_at)
    record["pull"] = {**nothing, **sides, "head_sha": head_sha(store, repository, sides["head"])}
    save(store, record)
    return record


def create_pull(call: StandInCall) -> StandInReply:
    """POST a pull request; 422 if a branch is missing, has no new commits, or already has an open one."""
    name = repository_of(call)["full_name"]
    title = text(call, "PullRequest", "title", longest=TITLE_LENGTH)
    sides = {side: str(text(call, "PullRequest", side, longest=250)) for side in ("head", "base")}
    sides["head"] = sides["head"].removeprefix(f"{name.partition('/')[0]}:")
    branches = branches_of(call.store, name)
    for side, branch in sides.items():
        if branch not in branches:
            error = {"resource": "PullRequest", "field": side, "code": "invalid"}
            raise Refused(422, "Validation Failed", errors=[error])
    if not ahead(call.store, name, branches[sides["base"]], branches[sides["head"]]):
        raise _unfit(f"No commits between {sides['base']} and {sides['head']}")
    if any(_is_open_between(each, sides) for each in issues_of(call.store, name)):
        raise _unfit(f"A pull request already exists for {name.partition('/')[0]}:{sides['head']}.")
    body = text(call, "PullRequest", "body", longest=BODY_LENGTH, needed=False)
    values = {"title": title, "body": body, "user": login(call.store)}
    more = {**sides, "draft": bool(call.body.get("draft")), "reviewers": []}
    shown = whole_pull(call.base, call.store, new_pull(call.store, name, values, more, now()))
    return StandInReply(shown, 201, {"location": shown["url"]})


def _is_open_between(record: Record, sides: Record) -> bool:
    pull = record.get("pull", {})
    return record["state"] == "open" and all(pull.get(side) == branch for side, branch in sides.items())


def list_pulls(call: StandInCall) -> StandInReply:
    """GET the pull requests with state, head, base, sort, direction and paging."""
    name, state = repository_of(call)["full_name"], call.query("state", "open")
    base, head = call.query("base"), call.query("head").partition(":")[2] or call.query("head")
    kept = [
        each
        for each in issues_of(call.store, name)
        if "pull" in each
        and state in {"all", each["state"]}
        and base in {"", each["pull"]["base"]}
        and head in {"", each["pull"]["head"]}
    ]
    field = "updated_at" if call.query("sort") == "updated" else "created_at"
    kept.sort(key=lambda each: (each[field], each["number"]), reverse=call.query("direction", "desc") != "asc")
    return page(call, kept, lambda each: simple_pull(call.base, call.store, each))


def get_pull(call: StandInCall) -> StandInReply:
    """GET one pull request."""
    return StandInReply(whole_pull(call.base, call.store, pull_of(call)))


def update_pull(call: StandInCall) -> StandInReply:
    """PATCH title, body, state, base; 422 for a base that does not exist."""
    record = pull_of(call)
    if "title" in call.body:
        record["title"] = text(call, "PullRequest", "title", longest=TITLE_LENGTH)
    if "body" in call.body:
        record["body"] = text(call, "PullRequest", "body", longest=BODY_LENGTH, needed=False)
    if "base" in call.body:
        if call.body["base"] not in branches_of(call.store, record["repository"]):
            error = {"resource": "PullRequest", "field": "base", "code": "invalid"}
            raise Refused(422, "Validation Failed", errors=[error])
        record["pull"]["base"] = call.body["base"]
    if "state" in call.body:
        # A closed pull request keeps its head, even if its branch moves on or is deleted.
        record["pull"]["head_sha"] = head_of(call.store, record)
        set_state(call, record)
        record["state_reason"] = None
    save(call.store, {**record, "updated_at": now()})
    return StandInReply(whole_pull(call.base, call.store, pull_of(call)))


def list_files(call: StandInCall) -> StandInReply:
    """GET the files that a pull request changes."""
    return page(call, files_of(call.base, call.store, pull_of(call)), lambda each: each)


def merge(call: StandInCall) -> StandInReply:
    """PUT: merge, squash or rebase; 405 if it cannot be merged, 409 if `sha` is not its head."""
    record, store = pull_of(call), call.store
    head, onto = head_of(store, record), base_of(store, record)
    if record["state"] != "open" or record["pull"]["draft"] or not is_mergeable(store, record):
        # GitHub's 405 also means a draft, or one that was merged already: the client has to find out which.
        raise Refused(405, "Pull Request is not mergeable")
    if call.body.get("sha") not in {None, head}:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    method = call.body.get("merge_method", "merge")
    if method not in {"merge", "squash", "rebase"}:
        raise Refused(422, f"Invalid request.\n\nFor 'properties/merge_method', {method!r} is not a member of [...].")
    sha = _merged(call, record, head, onto, method)
    closed = {"state": "closed", "closed_at": now(), "closed_by": login(store), "updated_at": now()}
    pull = {"merged_at": now(), "merged_by": login(store), "merge_commit_sha": sha}
    save(store, {**record, **closed, "pull": {**record["pull"], **pull, "head_sha": head, "merged_onto": onto}})
    return StandInReply({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _merged(call: StandInCall, record: Record, head: str, onto: str, method: str) -> str:
    """Commit a pull request's changes onto its base; return the new commit."""
    name, store = record["repository"], call.store
    start, brought = common_ancestor(store, name, onto, head), find_commit(store, name, head)
    origin: dict[str, str] = start["tree"] if start else {}
    after: dict[str, str] = brought["tree"] if brought else {}
    changes: dict[str, bytes | None] = {
        path: content_of(store, after[path]) if path in after else None for path in changed_paths(origin, after)
    }
    title = call.body.get("commit_title") or f"Merge pull request #{record['number']} from {record['pull']['head']}"
    rest = call.body.get("commit_message", record["title"])
    message = f"{title}\n\n{rest}" if rest else title
    # Only a real merge has the head as its second parent.
    merged = head if method == "merge" else ""
    base = record["pull"]["base"]
    return str(new_commit(store, name, changes, message, person(call), now(), base, merged)["sha"])


def merge_state(call: StandInCall) -> StandInReply:
    """GET: 204 if it was merged, or 404."""
    if pull_of(call)["pull"]["merged_at"] is None:
        raise not_found()
    return StandInReply(None, 204)


def _reviews(call: StandInCall) -> list[Record]:
    record = pull_of(call)
    place = (record["repository"], record["number"])
    return [each for each in call.store.all("github/reviews") if (each["repository"], each["pull"]) == place]


def list_reviews(call: StandInCall) -> StandInReply:
    """GET the reviews of a pull request, oldest first."""
    return page(call, _reviews(call), lambda each: review(call.base, each))


def create_review(call: StandInCall) -> StandInReply:
    """POST a review; 422 for approving one's own pull request, or if a required body is missing."""
    record, event = pull_of(call), call.body.get("event")
    if event not in EVENTS:
        raise Refused(422, f"Invalid request.\n\nFor 'properties/event', {event!r} is not a member of {[*EVENTS]}.")
    own = login(call.store)
    if record["user"] == own and event != "COMMENT":
        word = "approve" if event == "APPROVE" else "request changes on"
        raise Refused(422, "Unprocessable Entity", errors=[f"Can not {word} your own pull request"])
    body = text(call, "PullRequestReview", "body", longest=BODY_LENGTH, needed=event != "APPROVE")
    number = 4_200_000 + call.store.next_number("github/id")
    values: dict[str, Any] = {
        "id": number,
        "repository": record["repository"],
        "pull": record["number"],
        "user": own,
        "body": body or "",
        "state": EVENTS[event],
        "submitted_at": now(),
        "commit": head_of(call.store, record),
    }
    call.store.put("github/reviews", str(number), values)
    save(call.store, {**record, "updated_at": now()})
    return StandInReply(review(call.base, values))


def _review(call: StandInCall) -> Record:
    found = next((each for each in _reviews(call) if str(each["id"]) == call.part("id")), None)
    if found is None:
        raise not_found()
    return found


def get_review(call: StandInCall) -> StandInReply:
    """GET one review."""
    return StandInReply(review(call.base, _review(call)))


def dismiss_review(call: StandInCall) -> StandInReply:
    """PUT: dismiss a review; 422 if it is only a comment."""
    record = _review(call)
    text(call, "PullRequestReview", "message", longest=BODY_LENGTH)
    if record["state"] not in {"APPROVED", "CHANGES_REQUESTED"}:
        raise Refused(422, "Unprocessable Entity", errors=["Can not dismiss a commented pull request review"])
    record["state"] = "DISMISSED"
    call.store.put("github/reviews", str(record["id"]), record)
    return StandInReply(review(call.base, record))


def seed_pull(store: Store, sample: Record, who: Record, created_at: str) -> None:
    """Create a sample pull request: a branch with one commit, and its reviewers."""
    name, branch, path = sample["repository"], sample["branch"], sample["path"]
    main = find_commit(store, name, "")
    tree: dict[str, str] = main["tree"] if main else {}
    before = content_of(store, tree.get(path)).decode()
    content = before.replace(sample["before"], sample["after"]).encode()
    store.put("github/refs", f"{name}@{branch}", {"repository": name, "branch": branch, "sha": head_sha(store, name)})
    new_commit(store, name, {path: content}, sample["title"], who, created_at, branch)
    values = {"title": sample["title"], "body": sample["body"], "user": who["login"]}
    sides = {"head": branch, "base": "main", "draft": False, "reviewers": []}
    request_review(store, new_pull(store, name, values, sides, created_at), login(store), who["login"], created_at)


_PULLS = f"{REPOSITORY}/pulls"
_ONE = f"{_PULLS}/{{number:int}}"
TABLE: Table = (
    ("GET", _PULLS, list_pulls),
    ("POST", _PULLS, create_pull),
    ("GET", _ONE, get_pull),
    ("PATCH", _ONE, update_pull),
    ("GET", f"{_ONE}/files", list_files),
    ("GET", f"{_ONE}/merge", merge_state),
    ("PUT", f"{_ONE}/merge", merge),
    ("GET", f"{_ONE}/reviews", list_reviews),
    ("POST", f"{_ONE}/reviews", create_review),
    ("GET", f"{_ONE}/reviews/{{id:int}}", get_review),
    ("PUT", f"{_ONE}/reviews/{{id:int}}/dismissals", dismiss_review),
)
