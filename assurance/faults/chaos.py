"""The long forms (`make assurance`): every fault at every moment of a run; 200 cuts and 1,000 flips of each file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assurance.faults.damage import cuts, flips
from assurance.faults.disk import FAULTS, Fault
from assurance.faults.story import Story
from assurance.faults.test_damage import Place, copies, damages, place, survive, survive_damaged_state, whole
from assurance.faults.test_disk import live_through, moments_of, quick, story

__all__ = ["copies", "place", "quick", "story", "whole"]


@pytest.mark.parametrize("is_lasting", [pytest.param(False, id="once"), pytest.param(True, id="for ever")])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_at_every_moment(story: Story, tmp_path: Path, fault: Fault, is_lasting: bool) -> None:
    count = len(moments_of(story.copied(tmp_path / f"chaos-{fault}-{is_lasting}"), fault))
    for moment in range(1, count + 1):
        name = f"chaos-{moment}-{fault}-{is_lasting}"
        live_through(story.copied(tmp_path / name), fault, moment, is_lasting=is_lasting)


@pytest.mark.parametrize("kind", ["workflow", "layout", "prompt", "version", "log", "value", "renamed.jsonl"])
def test_many_damages_of_one_file(place: Place, kind: str) -> None:
    for damage in damages(place.path(kind), 200, 1000):
        survive(place, kind, damage)


def test_many_damages_of_the_state(copies: Callable[[str], Place]) -> None:
    size = copies("measured").path("state.db").stat().st_size
    for number, damage in enumerate([*cuts(size, 200), *flips(size, 300)]):
        survive_damaged_state(copies(str(number)), damage)
