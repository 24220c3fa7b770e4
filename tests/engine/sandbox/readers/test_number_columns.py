"""Numbers in tables as a language writes them: which columns are numbers, and which stay as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.sandbox.limits import ChildLimits
from engine.sandbox.reading import ReadableFile, read
from tests.engine.sandbox.readers.reading import answered, refused

_COLUMNS: list[tuple[str, list[str], list[Any], str]] = [
    ("de", ["1.234,50", "-7,05", "12"], [1234.5, -7.05, 12], ""),
    ("de", ["1.234,00 €", "€ 5", "0,5 €"], [1234, 5, 0.5], ""),
    ("de", ["12 %", "0,5%"], [0.12, 0.005], ""),
    ("de-CH", ["1'234.50", "CHF 7.–", "7.05-"], [1234.5, 7, -7.05], ""),
    ("en", ["1,234.50", "(7)"], [1234.5, -7], ""),
    ("en", ["1.1", "1.10"], ["1.1", "1.10"], "several kinds"),
    ("de", ["01069", "10115"], ["01069", "10115"], ""),
    ("de", ["+49 301 234", "+49 89 123"], ["+49 301 234", "+49 89 123"], ""),
    ("de", ["5 €", "6 $"], ["5 €", "6 $"], "several kinds"),
    ("de", ["12 %", "5"], ["12 %", "5"], "several kinds"),
    ("de", ["1,5", "2,5", "n/a"], ["1,5", "2,5", "n/a"], "'n/a' is not a number"),
    ("de", ["1.5", "2.5"], ["1.5", "2.5"], ""),
    ("de", ["1.234.567.890.123.456", "1", "2"], ["1.234.567.890.123.456", "1", "2"], "456' is not a number"),
    ("", ["0,5", "1,5"], ["0,5", "1,5"], ""),
    ("de", ["12E3", "13E4"], ["12E3", "13E4"], ""),
    ("de", ["INV 12", "INV 13"], ["INV 12", "INV 13"], ""),
    ("de", [*["1,5 €"] * 1000, "n/a", "2,5 €"], [*["1,5 €"] * 1000, "n/a", "2,5 €"], "'n/a' is not a number"),
    ("de", [*["1,5 €"] * 1000, "2,5 $"], [*["1,5 €"] * 1000, "2,5 $"], "'2,5 $' is not a number"),
    ("de", [*["5 %"] * 1000, "7"], [*["5 %"] * 1000, "7"], "'7' is not a number"),
]


@pytest.mark.parametrize(("language", "cells", "values", "note"), _COLUMNS)
def test_a_column_of_numbers_in_a_language(
    tmp_path: Path, language: str, cells: list[str], values: list[Any], note: str
) -> None:
    found = answered(tmp_path, "a.csv", "\n".join(["id\tsum", *(f"x\t{one}" for one in cells)]), numbers=language)
    assert [row["sum"] for row in found["rows"]] == values
    assert [type(row["sum"]) for row in found["rows"]] == [type(one) for one in values]
    assert note in " ".join(found["notes"])
    assert bool(note) == bool(found["notes"])


def test_a_file_of_all_rows_has_no_column_that_is_half_numbers(tmp_path: Path) -> None:
    cells = [*["1.234,50"] * 120_000, "n/a"]
    path, out = tmp_path / "a.csv", tmp_path / "out"
    path.write_text("\n".join(["id;sum;n", *(f"x;{one};0,5" for one in cells)]))
    with path.open("rb") as file, out.open("wb") as rows:
        options = {"limit": 10, "pages": [], "numbers": "de"}
        found = read(
            ReadableFile(file.fileno(), "a.csv"), "table", options, ChildLimits(file_bytes=1 << 30), rows.fileno()
        )
    lines = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert [(row["sum"], row["n"]) for row in lines] == [(one, 0.5) for one in cells]
    assert found["notes"] == ["The column sum stays text: 'n/a' is not a number like the others."]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_texts_in_json_are_numbers_in_a_language(tmp_path: Path, name: str) -> None:
    rows: list[dict[str, Any]] = [{"a": "1.234,50", "b": 1}, {"b": "0,5", "c": {"d": "1,5"}}]
    content = json.dumps(rows) if name == "a.json" else "\n".join(map(json.dumps, rows))
    found = answered(tmp_path, name, content, numbers="de")
    assert found["rows"] == [{"a": 1234.5, "b": 1, "c": None}, {"a": None, "b": 0.5, "c": {"d": "1,5"}}]


def test_a_language_that_is_not_known_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path, "a.csv", "a,b\n1,2", numbers="klingon").startswith("How 'klingon' writes numbers")
