"""What the doctor asks Notion: data sources, and the property that keys stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from clients.notion.check import look
from clients.notion.service import NotionSettings

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted


def source(name: str, database: str, key: str = "") -> dict[str, Any]:
    properties = {"Orchestra key": {"type": key}} if key else {}
    return {
        "id": name,
        "title": [{"plain_text": name}],
        "parent": {"database_id": database},
        "properties": properties,
    }


@pytest.mark.parametrize(
    ("sources", "what", "ok", "said"),
    [
        pytest.param([source("Tasks", "d", "rich_text")], "key property", True, "Every database has", id="all have it"),
        pytest.param([source("Tasks", "d")], "key property", True, "Not in Tasks yet", id="added later"),
        pytest.param([source("Tasks", "d", "number")], "key property", False, "of type number", id="of another type"),
        pytest.param(
            [source("Open", "d", "rich_text"), source("Done", "d", "rich_text")],
            "data sources",
            True,
            "several data sources: Open, Done",
            id="several of one database",
        ),
    ],
)
def test_it_says_what_is_there(
    scripted: Scripted, http: httpx.Client, sources: list[dict[str, Any]], what: str, ok: bool, said: str
) -> None:
    scripted.then(200, {"results": sources})
    lines = {
        line.what: (line.ok, line.text)
        for line in look(NotionSettings(token=SecretStr("ntn_x"), base_url=scripted.url), http, None)
    }
    assert (lines[what][0], said in lines[what][1]) == (ok, True), lines


def test_what_it_does_not_understand_it_leaves_to_others(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(200, {"results": [{"object": "page"}]})
    assert list(look(NotionSettings(token=SecretStr("ntn_x"), base_url=scripted.url), http, None)) == []
