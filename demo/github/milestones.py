"""Milestones of a repository."""

from __future__ import annotations

from demo.call import Call, Reply, Table
from demo.github.call import invalid, login, not_found, now, page, text
from demo.github.objects import milestone
from demo.github.records import REPOSITORY, repository_of


def list_milestones(call: Call) -> Reply:
    """GET the milestones of a repository; `state` is open, closed or all."""
    name, state = repository_of(call)["full_name"], call.query("state", "open")
    found = [each for each in call.store.all("github/milestones") if each["repository"] == name]
    kept = [each for each in found if state in {"all", each["state"]}]
    return page(call, kept, lambda each: milestone(call.base, call.store, each))


def get_milestone(call: Call) -> Reply:
    """GET one milestone."""
    found = call.store.get("github/milestones", f"{repository_of(call)['full_name']}#{call.part('number')}")
    if found is None:
        raise not_found()
    return Reply(milestone(call.base, call.store, found))


def create_milestone(call: Call) -> Reply:
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
    return Reply(shown, 201, {"location": shown["url"]})


TABLE: Table = (
    ("GET", f"{REPOSITORY}/milestones", list_milestones),
    ("POST", f"{REPOSITORY}/milestones", create_milestone),
    ("GET", f"{REPOSITORY}/milestones/{{number:int}}", get_milestone),
)
