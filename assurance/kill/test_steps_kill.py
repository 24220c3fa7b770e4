"""Kills at the writes of steps to stores and services: each is there once, or a person was asked about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assurance.kill.job_of_steps import DRIVES, FAMILIES, WRITES, Steps, steps

pytestmark = pytest.mark.slow

SOME = ("messages", "rows")
"""Of `make touched`; `make assurance` has all."""


@pytest.fixture(scope="module")
def steps_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    with steps(tmp_path_factory.mktemp("steps") / "workspace") as made:
        yield made


@pytest.mark.parametrize(
    "family", [one if one in SOME else pytest.param(one, marks=pytest.mark.chaos) for one in FAMILIES]
)
def test_what_a_killed_job_writes_is_there_once(steps_place: Steps, family: str) -> None:
    writes = range(1, WRITES[family] + 1)
    for point, time_of_it in (("before effect", writes[-1]), *(("after effect", number) for number in writes)):
        assert steps_place.wrong(family, steps_place.kill(family, point, time_of_it)) == [], (point, time_of_it)


@pytest.mark.control
@pytest.mark.parametrize(
    ("family", "wrong", "time_of_it", "complaint"),
    [
        pytest.param("messages", ["no look-up"], 1, "2 x slack", id="slack"),
        pytest.param("messages", ["no look-up", "no nonce"], 2, "2 x discord", id="discord"),
        pytest.param("messages", ["no intents"], 3, "2 x telegram", id="telegram"),
        pytest.param("messages", ["no intents"], 4, "2 x webhook", id="webhook"),
        pytest.param("files", ["files grow"], 1, "text files", id="files"),
        pytest.param("rows", ["rows have new keys"], 1, "rows", id="rows"),
        pytest.param("documents", ["documents have new ids"], 1, "documents", id="documents"),
        pytest.param("events", ["events have new ids"], 1, "2 x event", id="event"),
        pytest.param("events", ["no look-up"], 2, "'confirmed': 3", id="event-moved"),
        pytest.param("events", ["no intents"], 4, "asked about ['gone'", id="event-deleted"),
        # A draft is found by its mark whenever it is written again.
        pytest.param("mails", ["no look-up"], 2, "2 x sent", id="mail that is sent"),
        pytest.param("tools", ["no intents"], 1, "2 x note", id="tool of an MCP server"),
        pytest.param("sheets", ["no look-up"], 1, "2 x row", id="sheet"),
        pytest.param("sheets", ["no look-up"], 2, "written 3 x", id="sheet-changed"),
        *(
            pytest.param("drives", ["uploads have new names"], number, f"2 x {drive}", id=drive)
            for number, drive in enumerate(DRIVES, 1)
            if drive != "google_drive"
        ),
        # It is found by its mark, whatever its name.
        pytest.param("drives", ["uploads have new names", "no look-up"], 5, "2 x google_drive", id="google_drive"),
    ],
)
def test_the_harness_finds_what_is_written_twice(
    steps_place: Steps, family: str, wrong: list[str], time_of_it: int, complaint: str
) -> None:
    killed = steps_place.kill(family, "after effect", time_of_it, wrong=wrong)
    found = steps_place.wrong(family, killed)
    assert any(complaint in one for one in found), found
