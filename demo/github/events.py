"""The events of an issue or pull request, and controls to act as another user, for tests and demonstrations."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import login, not_found, now, page
from demo.github.objects import Record, node_id, user
from demo.github.records import REPOSITORY, issue_of, new_comment, new_issue, save
from demo.service import PublicRoute, json_object
from demo.store import Store


def request_review(store: Store, record: Record, reviewer: str, actor: str, at: str) -> None:
    """Request a review of a pull request; a repeated request is another event."""
    pull = record["pull"]
    save(store, {**record, "pull": {**pull, "reviewers": sorted({*pull["reviewers"], reviewer})}, "updated_at": at})
    number = 11_000_000_000 + store.next_number("github/id")
    place = {"repository": record["repository"], "issue": record["number"]}
    event = {"id": number, **place, "event": "review_requested", "actor": actor, "reviewer": reviewer, "created_at": at}
    store.put("github/events", str(number), event)


def events_of(store: Store, record: Record) -> list[Record]:
    """Return the events of an issue, oldest first."""
    place = (record["repository"], record["number"])
    return [each for each in store.all("github/events") if (each["repository"], each["issue"]) == place]


def event(base: str, record: Record) -> Record:
    """Return an event in the API's form."""
    actor = user(base, record["actor"])
    return {
        "id": record["id"],
        "node_id": node_id("RRE", record["id"]),
        "url": f"{base}/repos/{record['repository']}/issues/events/{record['id']}",
        "actor": actor,
        "event": record["event"],
        "commit_id": None,
        "commit_url": None,
        "created_at": record["created_at"],
        "performed_via_github_app": None,
        "review_requester": actor,
        "requested_reviewer": user(base, record["reviewer"]),
    }


def list_events(call: StandInCall) -> StandInReply:
    """GET the events of an issue or pull request, oldest first."""
    return page(call, events_of(call.store, issue_of(call)), lambda each: event(call.base, each))


TABLE: Table = (("GET", f"{REPOSITORY}/issues/{{number:int}}/events", list_events),)


def control_routes(store: Store) -> list[Route]:
    """Return the routes that act as another user.

    `POST /_demo/say` {repository, number, user, body}, `/_demo/open` {repository, user, title, body} and
    `/_demo/ask_review` {repository, number, user}.
    """

    def found(body: dict[str, Any]) -> Record:
        record = store.get("github/issues", f"{body.get('repository')}#{body.get('number')}")
        if record is None:
            raise not_found()
        return record

    async def say(request: Request) -> Response:
        body = await json_object(request)
        with store.transaction():
            added = new_comment(store, found(body), str(body["user"]), str(body["body"]), now())
        return JSONResponse({"id": added["id"]}, 201)

    async def open_issue(request: Request) -> Response:
        body = await json_object(request)
        kept = {"title": str(body["title"]), "body": body.get("body"), "user": str(body["user"])}
        with store.transaction():
            made = new_issue(store, str(body["repository"]), {**kept, "labels": [], "assignees": []}, now())
        return JSONResponse({"number": made["number"]}, 201)

    async def ask_review(request: Request) -> Response:
        body = await json_object(request)
        with store.transaction():
            request_review(store, found(body), login(store), str(body["user"]), now())
        return JSONResponse({"ok": True}, 201)

    rows = (("say", say), ("open", open_issue), ("ask_review", ask_review))
    return [PublicRoute(f"/_demo/{name}", endpoint, methods=["POST"]) for name, endpoint in rows]
