"""One odd thing in a list holds up no other: however it is mangled, the rest is given and it is told of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from clients.errors import BadAnswer
from clients.github.client import GitHubClient
from clients.github.service import GitHubSettings
from clients.notion.client import NotionClient
from clients.notion.service import NotionSettings
from engine.plugins.registry import step_type
from engine.plugins.step import Call, StepType
from tests.conftest import StandIns
from tests.engine.triggers.mangling import Proxy, manglings, proxied
from tests.few import rare

_LISTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "github.list_issues": ({"repository": "acme/app", "state": "all"}, "issues", "id"),
    "github.list_commits": ({"repository": "acme/app", "limit": 100}, "commits", "sha"),
    "notion.query": ({"database": "Tasks"}, "pages", "id"),
    "notion.search": ({}, "results", "id"),
}
"""What each takes, what its list is called, and what its things are known by."""


@dataclass
class Listing:
    """A step that lists, behind a proxy that mangles one thing of the list."""

    step: StepType
    call: Call
    listed: str
    key: str

    def made(self) -> tuple[Any, list[str]]:
        """Make the call; return its output and its notes."""
        asked = replace(self.call, notes=[])
        return self.step.call(asked), asked.notes


@pytest.fixture(params=_LISTS)
def name(request: pytest.FixtureRequest) -> str:
    """The name of a step."""
    return str(request.param)


@pytest.fixture
def proxy(name: str, standins: StandIns) -> Iterator[Proxy]:
    """What mangles a thing, once it is told how."""
    with proxied(standins[name.partition(".")[0]]) as one:
        yield one


@pytest.fixture
def listing(name: str, proxy: Proxy, http: httpx.Client) -> Listing:
    """The step behind the proxy."""
    client: Any = _client(name, proxy, http)
    if name == "notion.query":
        for number in range(3):
            client.items.create("Tasks", f"Thing {number}", {}, "", f"{number}" * 32)
    arguments, listed, key = _LISTS[name]
    step, now = step_type(name), datetime.now(UTC)
    fields = step.fields.model_validate(arguments)
    return Listing(step, Call(fields, client, started_at=now), listed, key)


def _client(name: str, proxy: Proxy, http: httpx.Client) -> Any:
    token, url = SecretStr(proxy.endpoint.token), proxy.endpoint.base_url
    if name.startswith("github"):
        return GitHubClient(GitHubSettings(token=token, base_url=url), http)
    return NotionClient(NotionSettings(token=token, base_url=url), http)


@pytest.mark.slow
@pytest.mark.parametrize("stride", [6, rare(1)])
def test_one_odd_thing_of_a_list_is_left_out_and_told_of(listing: Listing, proxy: Proxy, stride: int) -> None:
    whole, notes = listing.made()
    things = whole[listing.listed]
    assert (len(things) > 1, whole["unreadable"], notes) == (True, [], [])
    odd, *others = things
    proxy.wanted = lambda one: one.get(listing.key) == odd[listing.key]
    listing.made()
    lost = {}
    for way, mangle in list(manglings(proxy.seen).items())[::stride]:
        proxy.mangle = mangle
        found, notes = listing.made()
        good, bad = found[listing.listed], found["unreadable"]
        are_there = [one for one in good if one in others] == others
        is_told = len(good) + len(bad) == len(things) or way in {"is None", "in_trash 7"}
        if not are_there or not is_told or bool(notes) != bool(bad):
            lost[way] = (are_there, len(good), bad, notes)
    assert lost == {}


def test_a_list_of_which_nothing_can_be_read_is_an_error(listing: Listing, proxy: Proxy) -> None:
    proxy.wanted = lambda one: listing.key in one
    proxy.mangle = lambda _: 7
    with pytest.raises(BadAnswer, match=r"Nothing that was listed can be read|of another shape"):
        listing.made()
