"""Gmail's profile, labels and history of changes."""

from __future__ import annotations

from typing import Any

from demo.call import StandInCall, StandInReply, Table
from demo.gmail import pubsub as gmail_pubsub
from demo.gmail.mailbox import Record, StandInMailbox, not_found
from demo.gmail.unrest import is_forgotten, unrest
from demo.gmail.views import mailbox_of, page
from demo.service import Refused

HISTORY_KINDS = {
    "messageAdded": "messagesAdded",
    "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded",
    "labelRemoved": "labelsRemoved",
}


def profile(call: StandInCall) -> StandInReply:
    """GET profile."""
    box = mailbox_of(call)
    records = box.newest_first()
    return StandInReply(
        {
            "emailAddress": box.account,
            "messagesTotal": len(records),
            "threadsTotal": len({each["threadId"] for each in records}),
            "historyId": str(box.history_id),
        }
    )


def send_as(box: StandInMailbox) -> list[dict[str, Any]]:
    """Return the addresses from which the mailbox may send; one of them is not verified yet."""
    domain = box.account.rpartition("@")[2]
    own = {"sendAsEmail": box.account, "displayName": "You", "replyToAddress": "", "isPrimary": True, "isDefault": True}
    alias = {"replyToAddress": "", "treatAsAlias": True}
    return [
        {**alias, "sendAsEmail": f"sales@{domain}", "displayName": "Sales", "signature": "<b>Sales</b><br>Open 9 to 5"}
        | {"verificationStatus": "accepted"},
        {**own, "signature": '<div dir="ltr">You<br>Demo Street 1</div>'},
        {**alias, "sendAsEmail": f"new@{domain}", "displayName": "New", "verificationStatus": "pending"},
    ]


def list_send_as(call: StandInCall) -> StandInReply:
    """GET settings/sendAs."""
    return StandInReply({"sendAs": send_as(mailbox_of(call))})


def list_labels(call: StandInCall) -> StandInReply:
    """GET labels."""
    return StandInReply({"labels": mailbox_of(call).labels.all()})


def get_label(call: StandInCall) -> StandInReply:
    """GET labels/{id}: with counts."""
    box = mailbox_of(call)
    label = box.labels.get(call.part("id"))
    return StandInReply({**label, **_counts(box, label["id"])})


def create_label(call: StandInCall) -> StandInReply:
    """POST labels."""
    return StandInReply(mailbox_of(call).labels.create(call.body))


def update_label(call: StandInCall) -> StandInReply:
    """PUT and PATCH labels/{id}."""
    if call.request.method == "PUT" and "name" not in call.body:
        raise Refused(400, "Invalid label name")
    return StandInReply(mailbox_of(call).labels.update(call.part("id"), call.body))


def delete_label(call: StandInCall) -> StandInReply:
    """DELETE labels/{id}: mails lose the label."""
    box = mailbox_of(call)
    label_id = call.part("id")
    label = box.labels.get(label_id)
    if label["type"] == "user":
        for record in box.newest_first():
            if label_id in record["labelIds"]:
                box.relabel(record["id"], [], [label_id])
    box.labels.delete(label_id)
    return StandInReply(None, 204)


def history(call: StandInCall) -> StandInReply:
    """GET history: the changes after startHistoryId; 404 if that has expired or never existed."""
    box = mailbox_of(call)
    text = call.query("startHistoryId")
    if not text.isdecimal():
        raise Refused(400, "Missing or invalid startHistoryId")
    start = int(text)
    if not box.oldest_history_id <= start <= box.history_id or is_forgotten(box.store, start):
        raise not_found()
    wanted = call.request.query_params.getlist("historyTypes")
    kinds = {HISTORY_KINDS.get(each, each) for each in wanted} or set(HISTORY_KINDS.values())
    label = call.query("labelId")
    entries = [
        _history_entry(each)
        for each in unrest(box.store, box.history_since(start), newest_first=False)
        if each["kind"] in kinds and (not label or label in [*each["message"]["labelIds"], *each["labelIds"]])
    ]
    answer = page(call, entries, "history")
    # https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.history/list has no such field.
    del answer["resultSizeEstimate"]
    return StandInReply(answer | {"historyId": str(box.history_id)})


def watch(call: StandInCall) -> StandInReply:
    """POST watch: changes are published to a topic of Pub/Sub for seven days."""
    box = mailbox_of(call)
    topic = str(call.body.get("topicName", ""))
    return StandInReply(gmail_pubsub.watch(box.store, box.account, box.history_id, topic))


def stop(call: StandInCall) -> StandInReply:
    """POST stop."""
    gmail_pubsub.stop(mailbox_of(call).store)
    return StandInReply(None, 204)


def _history_entry(entry: Record) -> dict[str, Any]:
    # Google leaves empty fields out, `labelIds` among them.
    message = {name: value for name, value in entry["message"].items() if value}
    change: dict[str, Any] = {"message": message}
    if entry["labelIds"]:
        change["labelIds"] = entry["labelIds"]
    brief = {"id": message["id"], "threadId": message["threadId"]}
    return {"id": entry["id"], "messages": [brief], entry["kind"]: [change]}


def _counts(box: StandInMailbox, label_id: str) -> dict[str, int]:
    """Return how many mails and threads have the label, and how many are unread."""
    records = [each for each in box.newest_first() if label_id in each["labelIds"]]
    unread = [each for each in records if "UNREAD" in each["labelIds"]]
    return {
        "messagesTotal": len(records),
        "messagesUnread": len(unread),
        "threadsTotal": len({each["threadId"] for each in records}),
        "threadsUnread": len({each["threadId"] for each in unread}),
    }


TABLE: Table = (
    ("GET", "/profile", profile),
    ("GET", "/settings/sendAs", list_send_as),
    ("GET", "/labels", list_labels),
    ("POST", "/labels", create_label),
    ("GET", "/labels/{id}", get_label),
    ("PUT", "/labels/{id}", update_label),
    ("PATCH", "/labels/{id}", update_label),
    ("DELETE", "/labels/{id}", delete_label),
    ("GET", "/history", history),
    ("POST", "/watch", watch),
    ("POST", "/stop", stop),
)
