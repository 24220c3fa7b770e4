"""Comments on pages and blocks."""

from __future__ import annotations

from demo import rich_text
from demo.call import StandInCall, StandInReply, Table
from demo.notion import text as notion_text
from demo.notion.call import Record, as_id, author, invalid, new_id, not_found, now, page_of, shown_time
from demo.notion.objects import PARENTS
from demo.store import Store

PLACES = {"page_id": PARENTS["page_id"], "block_id": ("notion/blocks", "block")}


def shown_comment(store: Store, record: Record) -> Record:
    """Return a comment in the API's form."""
    return {
        "object": "comment",
        "id": record["id"],
        "parent": record["parent"],
        "discussion_id": record["discussion_id"],
        "created_time": shown_time(record["created_time"]),
        "last_edited_time": shown_time(record["last_edited_time"]),
        "created_by": author(store),
        "rich_text": record["rich_text"],
        "display_name": {"type": "integration", "resolved_name": "Demo"},
    }


def _place(call: StandInCall) -> tuple[Record, str]:
    """Return parent and discussion of a new comment; raises Refused 400 or 404."""
    if discussion := call.body.get("discussion_id"):
        found = [each for each in call.store.all("notion/comments") if each["discussion_id"] == discussion]
        if not found:
            raise not_found("discussion", str(discussion))
        return found[0]["parent"], str(discussion)
    given = call.body.get("parent")
    kinds = [kind for kind in PLACES if isinstance(given, dict) and kind in given]
    if len(kinds) != 1:
        raise invalid("body failed validation: body.parent or body.discussion_id should be defined.")
    kind = kinds[0]
    some_id = as_id(call.body["parent"][kind], f"body.parent.{kind}")
    collection, name = PLACES[kind]
    if call.store.get(collection, some_id) is None:
        raise not_found(name, some_id)
    return {"type": kind, kind: some_id}, new_id()


def _text(call: StandInCall) -> rich_text.RichText:
    if isinstance(call.body.get("markdown"), str):
        return rich_text.from_markdown(call.body["markdown"])
    return notion_text.complete(call.body.get("rich_text"), "body.rich_text")


def create_comment(call: StandInCall) -> StandInReply:
    """POST /v1/comments with rich_text or markdown."""
    parent, discussion = _place(call)
    moment = now()
    record: Record = {
        "id": new_id(),
        "parent": parent,
        "discussion_id": discussion,
        "rich_text": _text(call),
        "created_time": moment,
        "last_edited_time": moment,
    }
    call.store.put("notion/comments", record["id"], record)
    return StandInReply(shown_comment(call.store, record))


def list_comments(call: StandInCall) -> StandInReply:
    """GET /v1/comments?block_id=, oldest first."""
    some_id = as_id(call.query("block_id"), "query.block_id")
    if not any(call.store.get(collection, some_id) for collection, _ in PLACES.values()):
        raise not_found("block", some_id)
    found = [each for each in call.store.all("notion/comments") if some_id in each["parent"].values()]
    parameters = dict(call.request.query_params)
    return page_of(found, parameters, "comment", lambda each: shown_comment(call.store, each))


def get_comment(call: StandInCall) -> StandInReply:
    """GET /v1/comments/{id}."""
    found = call.store.get("notion/comments", as_id(call.part("id"), "path.comment_id"))
    if found is None:
        raise not_found("comment", call.part("id"))
    return StandInReply(shown_comment(call.store, found))


def delete_comment(call: StandInCall) -> StandInReply:
    """DELETE /v1/comments/{id}."""
    found = call.store.get("notion/comments", as_id(call.part("id"), "path.comment_id"))
    if found is None:
        raise not_found("comment", call.part("id"))
    call.store.delete("notion/comments", found["id"])
    return StandInReply(shown_comment(call.store, found))


TABLE: Table = (
    ("POST", "/v1/comments", create_comment),
    ("GET", "/v1/comments", list_comments),
    ("GET", "/v1/comments/{id}", get_comment),
    ("DELETE", "/v1/comments/{id}", delete_comment),
)
