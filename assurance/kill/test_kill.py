"""The power goes in the middle: afterwards no mail is lost and nothing is there twice.

`make assurance` kills thirty times more, at each kind of write (assurance/kill/chaos.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from assurance.kill.child import MAILS
from assurance.kill.harness import WRITES, World, kill_after_events, kill_in_write, setting
from assurance.kill.state import IS_ON_POSTGRES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The world after the job, when nothing goes wrong."""
    with setting(tmp_path_factory.mktemp("calm") / "workspace") as place:
        assert place.finish("run") == "succeeded"
        world = place.world()
    assert world.labels["triaged"] == MAILS
    assert world.pages
    assert world.issues
    return world


@pytest.mark.chaos
def test_killed_between_a_write_and_its_receipt_and_once_more_while_it_goes_on_it_ends_as_if_nothing_had_happened(
    tmp_path: Path, undisturbed: World
) -> None:
    with setting(tmp_path / "workspace") as place:
        assert kill_in_write(place, WRITES[1]) >= 1
        some_more = place.events() + 10
        assert kill_after_events(place, some_more, command="resume") >= some_more
        assert place.finish("resume") == "succeeded"
        assert place.world() == undisturbed


@pytest.mark.skipif(IS_ON_POSTGRES, reason="the state is not in a file of the workspace")
def test_killed_in_a_write_and_the_state_file_lost_nothing_is_doubled(tmp_path: Path, undisturbed: World) -> None:
    with setting(tmp_path / "workspace") as place:
        assert kill_in_write(place, WRITES[0]) >= 1
        for path in place.state.glob("state.db*"):
            path.unlink()
        assert place.finish("resume") == "succeeded"
        assert place.world() == undisturbed


@pytest.mark.control
def test_the_harness_sees_what_a_runner_without_a_ledger_does(tmp_path: Path) -> None:
    with setting(tmp_path / "workspace") as place:
        kill_in_write(place, WRITES[0], "--without-ledger")
        place.finish("resume", "--without-ledger")
        assert place.world().doubles()
