"""Gmail's drafts: each is a mail with the label DRAFT, and sending it creates a new mail."""

from __future__ import annotations

from typing import Any

from demo.call import StandInCall, StandInReply, Table
from demo.gmail.mailbox import Record, StandInMailbox, not_found
from demo.gmail.messages import deliver
from demo.gmail.views import brief, found, mailbox_of, page, raw_mail, shown
from demo.store import Store

DRAFTS = "gmail_drafts"


def all_drafts(store: Store) -> list[Record]:
    """Return all drafts as {id, message_id}."""
    return store.all(DRAFTS)


def list_(call: StandInCall) -> StandInReply:
    """GET drafts; `q` searches them like mails."""
    box = mailbox_of(call)
    by_mail = {each["message_id"]: each["id"] for each in all_drafts(call.store)}
    drafts = [
        {"id": by_mail[each["id"]], "message": {"id": each["id"], "threadId": each["threadId"]}}
        for each in found(box, call)
        if each["id"] in by_mail
    ]
    return StandInReply(page(call, drafts, "drafts"))


def get(call: StandInCall) -> StandInReply:
    """GET drafts/{id}."""
    box = mailbox_of(call)
    draft = _draft(call.store, call.part("id"))
    return StandInReply({"id": draft["id"], "message": shown(box, box.get(draft["message_id"]), call)})


def create(call: StandInCall) -> StandInReply:
    """POST drafts."""
    box = mailbox_of(call)
    record = _written(box, call.body.get("message"), "")
    # A draft and its mail have different ids at Gmail, which clients mix up.
    draft_id = f"r{record['id'][2:]}"
    call.store.put(DRAFTS, draft_id, {"id": draft_id, "message_id": record["id"]})
    return StandInReply({"id": draft_id, "message": brief(record)})


def update(call: StandInCall) -> StandInReply:
    """PUT drafts/{id}: the draft keeps its id and thread, but its mail is a new one."""
    box = mailbox_of(call)
    draft = _draft(call.store, call.part("id"))
    old = box.get(draft["message_id"])
    record = _written(box, call.body.get("message"), old["threadId"])
    box.remove(old["id"])
    call.store.put(DRAFTS, draft["id"], {"id": draft["id"], "message_id": record["id"]})
    return StandInReply({"id": draft["id"], "message": brief(record)})


def delete(call: StandInCall) -> StandInReply:
    """DELETE drafts/{id}: permanently, without the trash."""
    box = mailbox_of(call)
    draft = _draft(call.store, call.part("id"))
    box.remove(draft["message_id"])
    call.store.delete(DRAFTS, draft["id"])
    return StandInReply(None, 204)


def send(call: StandInCall) -> StandInReply:
    """POST drafts/send: the draft is removed, and a mail with a new id is in SENT, in the same thread."""
    box = mailbox_of(call)
    draft = _draft(call.store, str(call.body.get("id") or ""))
    old = box.get(draft["message_id"])
    given = call.body.get("message")
    raw = raw_mail(given) if isinstance(given, dict) and given.get("raw") else box.mail(old["id"]).raw
    record = deliver(box, raw, old["threadId"])
    box.remove(old["id"])
    call.store.delete(DRAFTS, draft["id"])
    return StandInReply(brief(record))


def _draft(store: Store, draft_id: str) -> Record:
    draft = store.get(DRAFTS, draft_id)
    if draft is None:
        raise not_found()
    return draft


def _written(box: StandInMailbox, message: Any, thread_id: str) -> Record:
    """Return the mail of a draft; it may still lack a recipient."""
    raw = box.outgoing(raw_mail(message))
    return box.add(raw, ["DRAFT"], thread_id=str(message.get("threadId") or thread_id))


TABLE: Table = (
    ("GET", "/drafts", list_),
    ("POST", "/drafts", create),
    ("POST", "/drafts/send", send),
    ("GET", "/drafts/{id}", get),
    ("PUT", "/drafts/{id}", update),
    ("DELETE", "/drafts/{id}", delete),
)
