"""Blocks: list, append, read, change, delete."""

from __future__ import annotations

from demo.call import StandInCall, StandInReply, Table
from demo.notion import files as notion_files
from demo.notion import tree as notion_tree
from demo.notion.call import Record, as_id, invalid, not_found, now, page_of


def _block(call: StandInCall) -> Record:
    some_id = as_id(call.part("id"), "path.block_id")
    found = call.store.get("notion/blocks", some_id)
    if found is None and (page := call.store.get("notion/pages", some_id)):
        # A page at the top of the workspace is a block, too.
        return {**page, "type": "child_page", "content": {}}
    if found is None:
        raise not_found("block", some_id)
    return found


def _parent(call: StandInCall) -> Record:
    """Return the parent whose child blocks are listed or appended."""
    record = _block(call)
    if record["in_trash"] and call.request.method != "GET":
        raise invalid("Can't edit block that is archived. You must unarchive the block before editing.")
    kind = "page_id" if record["type"] == "child_page" else "block_id"
    return {"type": kind, kind: record["id"]}


def _shown(call: StandInCall, record: Record) -> Record:
    block = notion_tree.shown(call.store, record)
    return {**block, block["type"]: notion_files.shown(call.store, block[block["type"]], call.base)}


def list_children(call: StandInCall) -> StandInReply:
    """GET /v1/blocks/{id}/children."""
    parent = _parent(call)
    found = notion_tree.children(call.store, parent[parent["type"]])
    return page_of(found, dict(call.request.query_params), "block", lambda each: _shown(call, each))


def append_children(call: StandInCall) -> StandInReply:
    """PATCH /v1/blocks/{id}/children; `after` (2025-09-03) or `position` (2026-03-11) is the place."""
    parent = _parent(call)
    # All are checked before any is stored: Notion adds all blocks or none.
    notion_tree.check(call.body.get("children"))
    notion_files.attached(call.store, call.body["children"])
    position = call.body.get("position") or {}
    after = call.body.get("after") or (position.get("after_block") or {}).get("id")
    if after:
        after = as_id(after, "body.after")
        if after not in notion_tree.children_ids(call.store, parent[parent["type"]]):
            raise not_found("block", after)
    first = position.get("type") == "start"
    made = notion_tree.append(call.store, parent, call.body["children"], after, first=first)
    notion_tree.touch(call.store, parent[parent["type"]])
    listed = page_of(made, {}, "block", lambda each: _shown(call, each))
    return StandInReply({**listed.document, "next_cursor": None, "has_more": False})


def get_block(call: StandInCall) -> StandInReply:
    """GET /v1/blocks/{id}."""
    return StandInReply(_shown(call, _block(call)))


def update_block(call: StandInCall) -> StandInReply:
    """PATCH /v1/blocks/{id}: new content of the same type, or the trash."""
    record = _block(call)
    kind = record["type"]
    others = [key for key in call.body if key in notion_tree.TEXT_TYPES | notion_tree.PLAIN_TYPES and key != kind]
    if others:
        raise invalid(f"body failed validation: body.{others[0]} should be not present: the block's type is {kind}.")
    if kind in call.body and kind not in notion_tree.PARENT_TYPES:
        merged = {**record["content"], **call.body[kind]}
        record["content"] = notion_tree.content_of(kind, merged, "body")
    record["in_trash"] = bool(call.body.get("in_trash", call.body.get("archived", record["in_trash"])))
    return _kept(call, record)


def delete_block(call: StandInCall) -> StandInReply:
    """DELETE /v1/blocks/{id}: into the trash."""
    return _kept(call, {**_block(call), "in_trash": True})


def _kept(call: StandInCall, record: Record) -> StandInReply:
    record["last_edited_time"] = now()
    call.store.put("notion/blocks", record["id"], {key: record[key] for key in notion_tree.BLOCK_FIELDS})
    page = call.store.get("notion/pages", record["id"])
    if page:
        call.store.put("notion/pages", record["id"], {**page, "in_trash": record["in_trash"]})
    notion_tree.touch(call.store, record["id"])
    return StandInReply(_shown(call, record))


TABLE: Table = (
    ("GET", "/v1/blocks/{id}/children", list_children),
    ("PATCH", "/v1/blocks/{id}/children", append_children),
    ("GET", "/v1/blocks/{id}", get_block),
    ("PATCH", "/v1/blocks/{id}", update_block),
    ("DELETE", "/v1/blocks/{id}", delete_block),
)
