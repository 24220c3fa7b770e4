"""A trigger type for tests: the lines of a file, which says itself what goes wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clients.errors import AuthError, BadAnswer, InvalidRequest, NotFound, RateLimited, ServiceError, Unavailable
from engine.base.clock import moment_of
from engine.plugins.step import Fields, Output, option, outside
from engine.plugins.trigger import Found, Item, Look, TriggerType

SERVICE_ERRORS: dict[str, type[ServiceError]] = {
    one.__name__: one for one in (AuthError, BadAnswer, InvalidRequest, NotFound, RateLimited, Unavailable)
}
ERRORS: dict[str, type[Exception]] = {
    **SERVICE_ERRORS,
    **{one.__name__: one for one in (KeyError, RecursionError, OSError)},
}


class FeedFields(Fields):
    """Which file, and how many lines before the cursor are listed again."""

    path: str = option("File")
    overlap: int = option("Lines listed again", 0)


class FeedItem(Output):
    """A line."""

    id: str = outside("Id")
    text: str = outside("Text")
    number: float = option("Number", 0)


class NewLine(TriggerType):
    """Starts a run for each line: {id, text, at?, skip?, read?: an error}. `PATH.fault` names an error of all looks."""

    name = "feed.line"
    title = "A new line"
    fields = FeedFields
    item = FeedItem
    poll_seconds = 60.0

    def source(self, fields: FeedFields) -> str:
        """Return the file."""
        return fields.path

    def look(self, look: Look) -> Found:
        """List the lines after the cursor, and some before it."""
        path = look.around.root / look.fields.path
        _raise(path.with_suffix(".fault"))
        lines = _lines(path)
        if look.cursor is None:
            begin = len(lines) - (look.start.last or 0)
            return Found([], begin, has_more=begin < len(lines))
        begin = max(0, look.cursor - look.fields.overlap)
        end = min(len(lines), look.cursor + look.limit)
        items = [_item(line) for line in lines[begin:end]]
        return Found(items, end, has_more=end < len(lines), note=f"{len(lines)} lines")

    def read(self, look: Look, item: Item) -> Item:
        """Read a line anew: its error may be gone."""
        line = next((one for one in _lines(look.around.root / look.fields.path) if one["id"] == item.id), None)
        if line is None:
            raise NotFound("There is no such line.")
        if "read" in line:
            raise ERRORS[line["read"]](f"{line['id']}: {line['read']}")
        value = {"id": line["id"], "text": line.get("text", ""), "number": line.get("number", 0)}
        return Item(item.id, value, item.title, item.at)


def _item(line: dict[str, Any]) -> Item:
    at = moment_of(line["at"]) if "at" in line else None
    return Item(line["id"], None, line.get("title", f"Line {line['id']}"), at, line.get("skip", ""))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _raise(path: Path) -> None:
    if path.exists():
        fault = json.loads(path.read_text())
        kind = SERVICE_ERRORS[fault["type"]]
        raise kind("The feed is ill.", retry_after_seconds=fault.get("retry_after_seconds"))
