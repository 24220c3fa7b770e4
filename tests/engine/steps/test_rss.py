"""The step that reads a feed: it says what it has not read."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from clients.http.client import HttpClient
from clients.http.service import HttpSettings
from engine.plugins.step import Call
from engine.steps.rss import Read


def read(items: str, limit: int) -> tuple[Any, list[str]]:
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>F</title>{items}</channel></rss>'
    kind = {"content-type": "application/rss+xml"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=feed, headers=kind))
    client = HttpClient(HttpSettings(), httpx.Client(transport=transport))
    fields = Read().fields.model_validate({"url": "https://blog.example/feed", "limit": limit})
    call = Call(fields=fields, client=client, marker="m" * 32)
    return Read().call(call), call.notes


@pytest.mark.parametrize(
    ("items", "note"),
    [
        pytest.param("<item><title>T</title></item>" * 3, "", id="whole"),
        pytest.param(
            "<item><title>T</title></item>" * 1002,
            "2 entries of the feed not read (in the middle, as there are entries without a time).",
            id="many",
        ),
        pytest.param(
            f"<item><title>{'T' * 2001}</title></item>", "1 entry with a title or text that was cut.", id="long title"
        ),
    ],
)
def test_what_is_not_read_is_in_a_note(items: str, note: str) -> None:
    found, notes = read(items, 2)
    assert found["truncated"] is bool(note)
    assert notes == [note] * bool(note)


def test_a_text_that_is_cut_beyond_the_limit_is_not_told() -> None:
    found, notes = read(f"<item><title>T</title></item><item><title>{'T' * 2001}</title></item>", 1)
    assert (found["truncated"], found["has_more"], notes) == (False, True, [])
