"""Large values beside a run's log: kept once, found again, and nothing else is taken for one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile
from engine.record.values import LARGE_BYTES, Values
from engine.store.blobs.disk import DiskBlobs
from engine.store.journal import JournalBroken

RUN = "20260101T000000Z-abcdefgh"
LARGE = "é" * LARGE_BYTES


@pytest.fixture
def values(tmp_path: Path) -> Values:
    return Values(DiskBlobs(tmp_path / "logs"), RUN)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(LARGE, id="text"),
        pytest.param({"a": [LARGE, "x"], "b": LARGE}, id="texts-inside"),
        pytest.param([{"n": number, "t": "word " * 20} for number in range(5_000)], id="many-small-parts"),
        pytest.param({"$file": "x", "bytes": 1, "media_type": "text/plain"}, id="looks-like-a-reference"),
    ],
)
def test_what_is_stored_comes_back(values: Values, value: Any) -> None:
    assert values.loaded(values.whole(value)) == value
    assert values.loaded(values.written(values.kept_fields({"x": value}))) == {"x": value}


def test_one_text_is_one_file(values: Values, tmp_path: Path) -> None:
    kept = values.whole({"a": LARGE, "b": [LARGE]})
    assert kept["a"] == kept["b"][0]
    assert kept["a"]["bytes"] == 2 * LARGE_BYTES
    assert len(list(tmp_path.glob("logs/2026-01-01/*.files/*"))) == 1


def test_a_small_value_makes_no_file(values: Values, tmp_path: Path) -> None:
    assert values.whole({"a": "é" * 1000}) == {"a": "é" * 1000}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "/etc/passwd",
        "..",
        "",
        f"{RUN}.files/../../secret",
        f"20260101T000000Z-zzzzzzzz.files/{'0' * 64}",
        f"{RUN}.files/{'0' * 64}/../x",
        f"{RUN}.files/{'0' * 63}",
        f"{RUN}.files/{'0' * 64}\n",
    ],
)
def test_a_name_that_is_not_ours_is_data(values: Values, name: str, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "secret").write_text("hidden")
    reference = {"$file": name, "bytes": 6, "media_type": "text/plain"}
    assert values.loaded(reference) == reference


def test_a_value_that_is_gone_or_changed_is_named(values: Values, tmp_path: Path) -> None:
    kept = values.whole(LARGE)
    path = tmp_path / "logs" / "2026-01-01" / kept["$file"]
    path.write_text("other")
    with pytest.raises(InvalidFile, match="was changed"):
        values.loaded(kept)
    path.unlink()
    with pytest.raises(InvalidFile, match="cannot be read"):
        values.loaded(kept)


def test_a_value_that_cannot_be_written_stops_the_run_like_an_event(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    with pytest.raises(JournalBroken, match="logs"):
        Values(DiskBlobs(tmp_path / "logs"), RUN).whole(LARGE)
