"""Gmail's threads: list, get, labels, trash."""

from __future__ import annotations

from collections.abc import Sequence

from demo.call import StandInCall, StandInReply, Table
from demo.gmail.views import brief, found, id_list, mailbox_of, page, shown


def list_(call: StandInCall) -> StandInReply:
    """GET threads that have a matching mail, sorted by their newest match."""
    newest = {each["threadId"]: each for each in reversed(found(mailbox_of(call), call))}
    ordered = sorted(newest.values(), key=lambda each: (int(each["internalDate"]), each["id"]), reverse=True)
    threads = [{"id": each["threadId"], "snippet": each["snippet"], "historyId": each["historyId"]} for each in ordered]
    return StandInReply(page(call, threads, "threads"))


def get(call: StandInCall) -> StandInReply:
    """GET threads/{id}."""
    box = mailbox_of(call)
    records = box.thread(call.part("id"))
    history_id = str(max(int(each["historyId"]) for each in records))
    messages = [shown(box, each, call) for each in records]
    return StandInReply({"id": call.part("id"), "historyId": history_id, "messages": messages})


def modify(call: StandInCall) -> StandInReply:
    """POST threads/{id}/modify."""
    return _relabel(call, id_list(call, "addLabelIds"), id_list(call, "removeLabelIds"))


def trash(call: StandInCall) -> StandInReply:
    """POST threads/{id}/trash."""
    return _relabel(call, ["TRASH"], ["INBOX"])


def untrash(call: StandInCall) -> StandInReply:
    """POST threads/{id}/untrash."""
    return _relabel(call, [], ["TRASH"])


def delete(call: StandInCall) -> StandInReply:
    """DELETE threads/{id}."""
    box = mailbox_of(call)
    for record in box.thread(call.part("id")):
        box.remove(record["id"])
    return StandInReply(None, 204)


def _relabel(call: StandInCall, add: Sequence[str], remove: Sequence[str]) -> StandInReply:
    box = mailbox_of(call)
    records = [box.relabel(each["id"], add, remove) for each in box.thread(call.part("id"))]
    history_id = max(int(each["historyId"]) for each in records)
    return StandInReply(
        {"id": call.part("id"), "historyId": str(history_id), "messages": [brief(each) for each in records]}
    )


TABLE: Table = (
    ("GET", "/threads", list_),
    ("GET", "/threads/{id}", get),
    ("DELETE", "/threads/{id}", delete),
    ("POST", "/threads/{id}/modify", modify),
    ("POST", "/threads/{id}/trash", trash),
    ("POST", "/threads/{id}/untrash", untrash),
)
