"""Comments and child pages of Notion bear no marker: of two equal ones each write finds its own, or a person says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.steps.notion.comments import AddComment
from engine.steps.notion.upserting import CreatePage
from tests.conftest import StandIns
from tests.engine.conftest import OWNER, write_workflow

Make = Callable[[], dict[str, Any]]


@pytest.fixture
def page(standins: StandIns) -> str:
    """A page that is there."""
    standins["notion"]
    return str(standins.stores["notion"].all("notion/pages")[0]["id"])


@pytest.fixture(params=["comment", "page"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is made twice; the stand-in hides nothing that is fresh."""
    for step in (AddComment, CreatePage):
        monkeypatch.setattr(step, "lag_seconds", 0.0)
    return str(request.param)


@pytest.fixture
def orchestra(own_accounts: Path) -> Iterator[Orchestra]:
    opened = Orchestra.open(own_accounts)
    yield opened
    opened.close()


@pytest.fixture
def make(orchestra: Orchestra, own_accounts: Path, page: str, kind: str) -> Make:
    """Make one more of them, equal to those before, in a run of its own; return its step."""
    step = {
        "comment": {"uses": "notion.add_comment", "with": {"page": page, "text": "Seen."}},
        "page": {"uses": "notion.create_page", "with": {"parent": page, "title": "Same", "markdown": "Words"}},
    }[kind]
    retry = {"attempts": 3, "backoff_seconds": 0.01}
    write_workflow(own_accounts, "work", [{"id": "made", **step, "retry": retry}])

    def run() -> dict[str, Any]:
        ended = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), 60)
        return dict(ended["steps"][0])

    return run


def count(standins: StandIns, kind: str) -> int:
    store = standins.stores["notion"]
    if kind == "comment":
        return len(store.all("notion/comments"))
    return sum("Same" in str(each) for each in store.all("notion/pages"))


MADE_BY = {"comment": "POST /v1/comments", "page": "POST /v1/pages"}
FOUND_BY = {"comment": "GET /v1/comments", "page": "GET /v1/blocks"}


@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
def test_of_two_equal_ones_the_second_that_was_cut_is_made_once(
    make: Make, standins: StandIns, kind: str, when: str
) -> None:
    before = count(standins, kind)
    first = make()
    standins.faults("notion", match=MADE_BY[kind], cut=True, when=when)
    second = make()
    assert (first["status"], second["status"]) == ("succeeded", "succeeded")
    assert first["output"]["id"] != second["output"]["id"]
    assert count(standins, kind) - before == 2


def test_where_the_fate_of_an_equal_one_is_open_a_person_is_asked(make: Make, standins: StandIns, kind: str) -> None:
    before = count(standins, kind)
    standins.faults("notion", match=MADE_BY[kind], cut=True, when="after_effect")
    standins.faults("notion", match=FOUND_BY[kind], status=500, times=20)
    first = make()
    assert (first["status"], first["error"]["outcome"]) == ("failed", "unknown")
    standins.calm("notion")
    standins.faults("notion", match=MADE_BY[kind], cut=True, when="before_effect")
    second = make()
    assert (second["status"], second["error"]["type"]) == ("failed", "OutcomeUnknown")
    assert "its outcome is unknown" in second["error"]["message"]
    assert count(standins, kind) - before == 1
