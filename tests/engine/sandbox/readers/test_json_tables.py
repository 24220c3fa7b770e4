"""Lists in JSON as tables: their columns."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from engine.sandbox.readers.source import SourceFile
from engine.sandbox.readers.tasks import answer
from tests.engine.sandbox.readers.reading import answered, refused


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_table_has_no_more_columns_in_json_than_elsewhere(tmp_path: Path, name: str) -> None:
    rows = [json.dumps({f"k{at}": at}) for at in range(16_385)]
    content = "\n".join(rows) if name == "a.jsonl" else f"[{','.join(rows)}]"
    assert refused(tmp_path, name, content) == "The table has more than 16,384 columns."


@pytest.mark.parametrize(
    "content",
    [
        '{"a": 1}\n\n{"a": 2}',
        "[1]\r\n[2]",
        f'{{"a": "{"x" * 20_000}"}}\n{{"a": 2}}',
        '{"a": "\u2028"}\n{"a": 2}\n',
        '\x1e{"a": 1}\n\x1e{\n"a": 2\n}\n',
    ],
)
def test_lines_are_read_as_such_whatever_the_file_is_called(tmp_path: Path, content: str) -> None:
    assert answered(tmp_path, "a.json", content)["row_count"] == 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "a.jsonl",
            '{"a": 1}\n{"a": NaN}',
            "Line 2 is not JSON, which has no NaN: have null, or a text, written instead.",
        ),
        ("a.json", '[{"a": 1},\n{"a": -Infinity}]', "Line 2 is not JSON, which has no -Infinity: have null"),
        ("a.jsonl", '{"a": 1}\n{"a":\n', "Line 2 is not JSON: unexpected end of data at character 6."),
        ("a.json", '\x1e{"a": 1}\n\x1e{\n"a": x}\n', "Line 3 is not JSON: unexpected character"),
    ],
)
def test_what_is_not_json_is_named_by_its_line(tmp_path: Path, name: str, content: str, said: str) -> None:
    assert refused(tmp_path, name, content).startswith(said)


@pytest.mark.parametrize(
    ("content", "sheet", "note"),
    [
        ('{"items": []}', None, "The list 'items' of the JSON is empty."),
        ('{"a": [], "b": [1]}', "a", "The list 'a' of the JSON is empty."),
        ("[]", None, "The list that the JSON is has no items."),
        (f'{{"x": "{"x" * 21_000_000}", "b": [1]}}', "a", "The JSON has no such list, or an empty one."),
    ],
)
def test_a_list_without_items_is_told(tmp_path: Path, content: str, sheet: str | None, note: str) -> None:
    assert answered(tmp_path, "a.json", content, sheet=sheet)["notes"] == [note]


def test_an_empty_list_beside_other_members_is_told(tmp_path: Path) -> None:
    found = answered(tmp_path, "a.json", '{"items": [], "error": {"code": 7}}')
    assert (found["rows"], found["notes"]) == (
        [],
        ["The list 'items' of the JSON is empty; its other members are no lists."],
    )


def test_rows_of_ever_other_names_take_time_as_others_do(tmp_path: Path) -> None:
    content = "\n".join(json.dumps({f"k{at % 16_000}": at}) for at in range(50_000))
    path, out = tmp_path / "a.jsonl", tmp_path / "out"
    path.write_text(content)
    begun = time.process_time()
    handle = os.open(out, os.O_WRONLY | os.O_CREAT)
    try:
        with path.open("rb") as file:
            found = answer(SourceFile(file, "a.jsonl", handle), "table", {"limit": 10})
    finally:
        os.close(handle)
    assert time.process_time() - begun < 10
    assert (found["row_count"], len(found["columns"]), len(found["rows"])) == (50_000, 16_000, 10)
    assert [row["k3"] for row in found["rows"]][:5] == [None, None, None, 3, None]
    assert out.stat().st_size < 2 * len(content)


def test_a_later_name_is_a_column_of_all_rows(tmp_path: Path) -> None:
    rows = [{"a": 1}] * 1500 + [{"b": 2}]
    found = answered(tmp_path, "a.json", json.dumps(rows))
    assert (found["rows"][0], found["rows"][-1]) == ({"a": 1, "b": None}, {"a": None, "b": 2})
