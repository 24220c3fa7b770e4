"""Labels of a repository and of an issue, and milestones."""

from __future__ import annotations

import re

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import invalid, login, names, not_found, now, page, text
from demo.github.objects import issue, label, milestone
from demo.github.records import REPOSITORY, issue_of, labels_of, new_label, repository_of, save
from demo.service import Refused


def list_labels(call: StandInCall) -> StandInReply:
    """GET the labels of a repository."""
    kept = labels_of(call.store, repository_of(call)["full_name"])
    return page(call, kept, lambda each: label(call.base, each))


def get_label(call: StandInCall) -> StandInReply:
    """GET one label."""
    key = f"{repository_of(call)['full_name']}:{call.part('label').lower()}"
    found = call.store.get("github/labels", key)
    if found is None:
        raise not_found()
    return StandInReply(label(call.base, found))


def create_label(call: StandInCall) -> StandInReply:
    """POST a label; 422 already_exists for an existing name."""
    repository = repository_of(call)["full_name"]
    name = str(text(call, "Label", "name", longest=50))
    color = str(call.body.get("color") or "ededed").lower()
    if not re.fullmatch(r"[0-9a-f]{6}", color):
        raise invalid("Label", "color", "invalid")
    if call.store.get("github/labels", f"{repository}:{name.lower()}"):
        raise invalid("Label", "name", "already_exists")
    description = text(call, "Label", "description", longest=100, needed=False)
    shown = label(call.base, new_label(call.store, repository, name, color, description))
    return StandInReply(shown, 201, {"location": shown["url"]})


def list_issue_labels(call: StandInCall) -> StandInReply:
    """GET the labels of an issue."""
    return StandInReply(issue(call.base, call.store, issue_of(call))["labels"])


def change_issue_labels(call: StandInCall) -> StandInReply:
    """POST adds labels to an issue, PUT sets them."""
    record, given = issue_of(call), names(call, "labels")
    if given is None:
        raise Refused(422, 'Invalid request.\n\n"labels" wasn\'t supplied.')
    for each in given:
        new_label(call.store, record["repository"], each, "ededed", None)
    before = record["labels"] if call.request.method == "POST" else []
    # GitHub ignores the case of label names.
    record["labels"] = list({each.lower(): each for each in [*before, *given]}.values())
    record["updated_at"] = now()
    save(call.store, record)
    return list_issue_labels(call)


def remove_issue_label(call: StandInCall) -> StandInReply:
    """DELETE a label from an issue; 404 if it does not have it."""
    record, name = issue_of(call), call.part("label").lower()
    kept = [each for each in record["labels"] if each.lower() != name]
    if len(kept) == len(record["labels"]):
        raise Refused(404, "Label does not exist")
    save(call.store, {**record, "labels": kept, "updated_at": now()})
    return list_issue_labels(call)


def list_milestones(call: StandInCall) -> StandInReply:
    """GET the milestones of a repository; `state` is open, closed or all."""
    name, state = repository_of(call)["full_name"], call.query("state", "open")
    found = [each for each in call.store.all("github/milestones") if each["repository"] == name]
    kept = [each for each in found if state in {"all", each["state"]}]
    return page(call, kept, lambda each: milestone(call.base, call.store, each))


def get_milestone(call: StandInCall) -> StandInReply:
    """GET one milestone."""
    found = call.store.get("github/milestones", f"{repository_of(call)['full_name']}#{call.part('number')}")
    if found is None:
        raise not_found()
    return StandInReply(milestone(call.base, call.store, found))


def create_milestone(call: StandInCall) -> StandInReply:
    """POST a milestone; 422 already_exists for an existing title."""
    name = repository_of(call)["full_name"]
    title = text(call, "Milestone", "title", longest=255)
    if any((each["repository"], each["title"]) == (name, title) for each in call.store.all("github/milestones")):
        raise invalid("Milestone", "title", "already_exists")
    record = {
        "id": 9_000_000 + call.store.next_number("github/id"),
        "repository": name,
        "number": call.store.next_number(f"github/milestone/{name}"),
        "title": title,
        "description": text(call, "Milestone", "description", longest=65_536, needed=False),
        "state": "open",
        "user": login(call.store),
        "created_at": now(),
    }
    call.store.put("github/milestones", f"{name}#{record['number']}", record)
    shown = milestone(call.base, call.store, record)
    return StandInReply(shown, 201, {"location": shown["url"]})


_LABELS = f"{REPOSITORY}/labels"
_OF_ISSUE = f"{REPOSITORY}/issues/{{number:int}}/labels"
TABLE: Table = (
    ("GET", _LABELS, list_labels),
    ("POST", _LABELS, create_label),
    ("GET", f"{_LABELS}/{{label:path}}", get_label),
    ("GET", _OF_ISSUE, list_issue_labels),
    ("POST", _OF_ISSUE, change_issue_labels),
    ("PUT", _OF_ISSUE, change_issue_labels),
    ("DELETE", f"{_OF_ISSUE}/{{label:path}}", remove_issue_label),
    ("GET", f"{REPOSITORY}/milestones", list_milestones),
    ("POST", f"{REPOSITORY}/milestones", create_milestone),
    ("GET", f"{REPOSITORY}/milestones/{{number:int}}", get_milestone),
)
