"""Issues: create, read, change, lock, list."""

from __future__ import annotations

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import BODY_LENGTH, invalid, login, names, now, page, since, text
from demo.github.objects import Record, issue
from demo.github.records import REPOSITORY, issue_of, issues_of, new_issue, new_label, repository_of, save
from demo.service import Refused

TITLE_LENGTH = 256
LOCK_REASONS = ("off-topic", "too heated", "resolved", "spam")


def _assignees(call: StandInCall, repository: Record) -> list[str] | None:
    """Return logins from the body; GitHub refuses users who cannot be assigned."""
    given = names(call, "assignees")
    allowed = {*repository["collaborators"], login(call.store)}
    for each in given or []:
        if each not in allowed:
            error = {"value": each, "resource": "Issue", "field": "assignees", "code": "invalid"}
            raise Refused(422, "Validation Failed", errors=[error])
    return given


def create_issue(call: StandInCall) -> StandInReply:
    """POST /repos/{owner}/{repo}/issues."""
    repository = repository_of(call)
    values = {
        "title": text(call, "Issue", "title", longest=TITLE_LENGTH),
        "body": text(call, "Issue", "body", longest=BODY_LENGTH, needed=False),
        "labels": names(call, "labels") or [],
        "assignees": _assignees(call, repository) or [],
        "user": login(call.store),
        "milestone": milestone_number(call, repository["full_name"]),
    }
    record = new_issue(call.store, repository["full_name"], values, now())
    shown = issue(call.base, call.store, record)
    return StandInReply(shown, 201, {"location": shown["url"]})


def get_issue(call: StandInCall) -> StandInReply:
    """GET /repos/{owner}/{repo}/issues/{number}."""
    return StandInReply(issue(call.base, call.store, issue_of(call)))


def update_issue(call: StandInCall) -> StandInReply:
    """PATCH /repos/{owner}/{repo}/issues/{number}: title, body, state, labels, assignees, milestone."""
    record, repository = issue_of(call), repository_of(call)
    if "title" in call.body:
        record["title"] = text(call, "Issue", "title", longest=TITLE_LENGTH)
    if "body" in call.body:
        record["body"] = text(call, "Issue", "body", longest=BODY_LENGTH, needed=False)
    if (labels := names(call, "labels")) is not None:
        record["labels"] = labels
        for each in labels:
            # GitHub creates missing labels, in grey.
            new_label(call.store, repository["full_name"], each, "ededed", None)
    if (assignees := _assignees(call, repository)) is not None:
        record["assignees"] = assignees
    if "milestone" in call.body:
        record["milestone"] = milestone_number(call, record["repository"])
    if "state" in call.body:
        set_state(call, record)
    record["updated_at"] = now()
    save(call.store, record)
    return StandInReply(issue(call.base, call.store, record))


def milestone_number(call: StandInCall, repository: str) -> int | None:
    """Return the milestone number from the body, or None; raises Refused 422."""
    given = call.body.get("milestone")
    if given is not None and call.store.get("github/milestones", f"{repository}#{given}") is None:
        raise invalid("Issue", "milestone", "invalid")
    return given


def set_state(call: StandInCall, record: Record) -> None:
    """Open or close an issue or pull request as the body says; raises Refused 422."""
    state = call.body["state"]
    if state not in {"open", "closed"}:
        raise Refused(422, f"Invalid request.\n\nFor 'properties/state', {state!r} is not a member of [open, closed].")
    if state == "closed":
        record["state_reason"] = call.body.get("state_reason") or "completed"
        record["closed_at"], record["closed_by"] = now(), login(call.store)
    else:
        record["state_reason"] = "reopened" if record["state"] == "closed" else record["state_reason"]
        record["closed_at"], record["closed_by"] = None, None
    record["state"] = state


def lock(call: StandInCall) -> StandInReply:
    """PUT: lock the conversation; a reason that GitHub does not know is refused."""
    reason = call.body.get("lock_reason")
    if reason not in {None, *LOCK_REASONS}:
        raise Refused(
            422, f"Invalid request.\n\nFor 'properties/lock_reason', {reason!r} is not a member of {LOCK_REASONS}."
        )
    save(call.store, {**issue_of(call), "locked": True, "lock_reason": reason, "updated_at": now()})
    return StandInReply(None, 204)


def unlock(call: StandInCall) -> StandInReply:
    """DELETE: unlock the conversation."""
    save(call.store, {**issue_of(call), "locked": False, "lock_reason": None, "updated_at": now()})
    return StandInReply(None, 204)


def list_issues(call: StandInCall) -> StandInReply:
    """GET /repos/{owner}/{repo}/issues with state, labels, creator, assignee, since, sort, direction and paging."""
    repository = repository_of(call)["full_name"]
    state = call.query("state", "open")
    if state not in {"open", "closed", "all"}:
        raise invalid("Issue", "state", "invalid")
    labels = {each.strip().lower() for each in call.query("labels").split(",") if each.strip()}
    creator, assignee, changed_after = call.query("creator"), call.query("assignee"), since(call)
    kept = [
        each
        for each in issues_of(call.store, repository)
        if state in {"all", each["state"]}
        and labels <= {name.lower() for name in each["labels"]}
        and creator in {"", each["user"]}
        and _has_assignee(each, assignee)
        and each["updated_at"] >= changed_after
    ]
    field = {"updated": "updated_at", "comments": "comments"}.get(call.query("sort"), "created_at")
    # The number is the second key, since issues of the same second would change places between pages.
    newest_first = call.query("direction", "desc") != "asc"
    kept.sort(key=lambda each: (each[field], each["number"]), reverse=newest_first)
    return page(call, kept, lambda each: issue(call.base, call.store, each))


def _has_assignee(record: Record, wanted: str) -> bool:
    if wanted == "none":
        return not record["assignees"]
    return wanted in {"", "*"} or wanted in record["assignees"]


_ISSUES = f"{REPOSITORY}/issues"
TABLE: Table = (
    ("GET", _ISSUES, list_issues),
    ("POST", _ISSUES, create_issue),
    ("GET", f"{_ISSUES}/{{number:int}}", get_issue),
    ("PATCH", f"{_ISSUES}/{{number:int}}", update_issue),
    ("PUT", f"{_ISSUES}/{{number:int}}/lock", lock),
    ("DELETE", f"{_ISSUES}/{{number:int}}/lock", unlock),
)
