"""The JSON reader against json.loads, and the place and words of each mistake."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import InvalidFile
from engine.base.problem import Problem
from engine.documents.json_file import JsonPath, parse, read

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


def problems_of(text: str) -> list[Problem]:
    with pytest.raises(InvalidFile) as caught:
        parse(text, "f.json")
    return caught.value.problems


@pytest.mark.slow
@given(JSON, st.sampled_from([None, 0, 2]), st.booleans())
def test_it_agrees_with_json_loads(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert parse(text, "f.json").value == json.loads(text)


@given(st.text(alphabet='{}[]",:0123456789.eE+-truefalsn\\u \n', max_size=40))
def test_it_refuses_what_json_loads_refuses_and_names_a_place(text: str) -> None:
    try:
        expected = json.loads(text)
    except (ValueError, RecursionError):
        for problem in problems_of(text):
            assert problem.line >= 1
            assert problem.column >= 1
        return
    try:
        value, codes = parse(text, "f.json").value, set()
    except InvalidFile as error:
        value, codes = expected, {problem.code for problem in error.problems}
    assert value == expected
    assert codes <= {"duplicate_key", "number_range", "surrogate", "not_a_number"}  # stricter for these reasons only


@pytest.mark.slow
@given(JSON, st.data())
def test_a_text_cut_anywhere_is_named_and_never_breaks_the_reader(value: Any, data: st.DataObject) -> None:
    text = json.dumps([value], indent=1)
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    [problem] = problems_of(cut)
    assert problem.line <= cut.count("\n") + 1


@pytest.mark.slow
@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers() | st.text(), min_size=1), min_size=1))
def test_every_value_and_key_is_found_where_it_stands(value: dict[str, dict[str, Any]]) -> None:
    value = json.loads(json.dumps(value).replace("9" * 19, "9"))
    text = json.dumps(value, indent=2)
    lines = text.split("\n")
    try:
        file = parse(text, "f.json")
    except InvalidFile:
        return  # an integer over 64 bits
    for outer, inner in value.items():
        for key, item in inner.items():
            line, column = file.place((outer, key))
            assert lines[line - 1][column - 1 :].rstrip(",") == json.dumps(item)
            line, column = file.key_place((outer, key))
            assert lines[line - 1][column - 1 :].startswith(json.dumps(key) + ": ")


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "words"),
    [
        pytest.param("", 1, 1, "syntax", "empty", id="empty"),
        pytest.param('{\n  "a": 1\n  "b": 2}', 3, 3, "syntax", 'comma is missing before \'"b"', id="no-comma"),
        pytest.param('{"a": 1,\n}', 1, 8, "syntax", "Unexpected comma", id="comma-before-brace"),
        pytest.param("[1, 2, ]", 1, 6, "syntax", "Unexpected comma", id="comma-before-bracket"),
        pytest.param("[1,, 2]", 1, 4, "syntax", "value is missing before this comma", id="two-commas"),
        pytest.param("{'a': 1}", 1, 2, "syntax", "double quotes", id="single-quotes-key"),
        pytest.param("{\"a\": 'b'}", 1, 7, "syntax", "double quotes", id="single-quotes"),
        pytest.param("{“a”: 1}", 1, 2, "syntax", "typographic", id="typographic-quotes"),
        pytest.param("{a: 1}", 1, 2, "syntax", "key in double quotes is expected here, not 'a'", id="bare-key"),
        pytest.param('{"a" 1}', 1, 6, "syntax", "colon is missing after the key 'a'", id="no-colon"),
        pytest.param('{"a": }', 1, 7, "syntax", "value is expected", id="no-value"),
        pytest.param('{"a": [1, 2}', 1, 12, "syntax", "must close what line 1, column 7 opens", id="wrong-bracket"),
        pytest.param('{"a": {\n"b": 1', 2, 7, "syntax", "'{' of line 1, column 7 is not closed", id="not-closed"),
        pytest.param('{"a": "b', 1, 7, "syntax", "no closing double quote", id="open-text"),
        pytest.param('["a\nb"]', 1, 4, "syntax", r"written \n or \t", id="raw-line-break"),
        pytest.param(r'["a\qb"]', 1, 4, "syntax", "not a JSON escape", id="unknown-escape"),
        pytest.param(r'["\u12g4"]', 1, 4, "syntax", "four hexadecimal digits", id="short-escape"),
        pytest.param("[1] [2]", 1, 5, "syntax", "after the end of the document", id="two-documents"),
        pytest.param("[1, // one\n2]", 1, 5, "syntax", "no comments", id="comment"),
        pytest.param("[True]", 1, 2, "syntax", "writes true here, not True", id="python-true"),
        pytest.param("[01]", 1, 2, "syntax", "not a number as JSON", id="leading-zero"),
        pytest.param("[.5]", 1, 2, "syntax", "not a number as JSON", id="no-digit-before-point"),
        pytest.param("[NaN]", 1, 2, "not_a_number", "NaN", id="nan"),
        pytest.param("[1, -Infinity]", 1, 5, "not_a_number", "-Infinity", id="infinity"),
        pytest.param("[9223372036854775808]", 1, 2, "number_range", "64 bits", id="over-64-bit"),
        pytest.param("[" + "9" * 6000 + "]", 1, 2, "number_range", "64 bits", id="thousands-of-digits"),
        pytest.param("[1e999]", 1, 2, "number_range", "64 bits", id="infinite-exponent"),
        pytest.param('{"a": 1,\n "a": 2}', 2, 2, "duplicate_key", "'a' appears twice", id="key-twice"),
        pytest.param(r'["\ud83d"]', 1, 2, "surrogate", "surrogate", id="half-surrogate"),
        pytest.param("[" * 1000 + "]" * 1000, 1, 65, "too_deep", "64 levels", id="thousand-levels"),
        pytest.param("[" * 100_000, 1, 65, "too_deep", "64 levels", id="no-recursion-error"),
        pytest.param(" " * 1_000_001, 1, 1, "too_large", "1,000,001", id="too-large"),
    ],
)
def test_each_mistake_has_its_place_and_a_plain_sentence(
    text: str, line: int, column: int, code: str, words: str
) -> None:
    [problem] = problems_of(text)
    assert (problem.line, problem.column, problem.code) == (line, column, code)
    assert words in problem.message
    assert problem.message.endswith(".")
    assert problem.file == "f.json"


def test_mistakes_that_leave_the_grammar_whole_are_all_reported() -> None:
    codes = [problem.code for problem in problems_of('{"a": NaN, "a": 1e999, "b": [Infinity, ]}')]
    assert codes == ["not_a_number", "duplicate_key", "number_range", "not_a_number", "syntax"]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param((), (1, 1), id="whole"),
        pytest.param(("steps", 1, "id"), (4, 11), id="inside"),
        pytest.param(("steps", 7, "id"), (2, 12), id="nearest-parent-of-a-missing-item"),
        pytest.param(("title",), (1, 1), id="nearest-parent-of-a-missing-key"),
        pytest.param(("steps", 0, "id", "x"), (3, 11), id="below-a-text"),
    ],
)
def test_a_missing_part_stands_where_its_nearest_parent_stands(path: JsonPath, place: tuple[int, int]) -> None:
    file = parse('{\n  "steps": [\n   {"id": "a"},\n   {"id": "b"}]}', "f.json")
    assert file.place(path) == place


def test_an_offset_counts_escapes_as_they_are_written() -> None:
    text = '["' + r"a\n\u00e9\ud83d\ude00" + '😀{{ x }}"]'
    file = parse(text, "f.json")
    offset = file.value[0].index("{{")
    assert file.place((0,), offset) == (1, text.index("{{") + 1)
    assert file.place((0,), 1000) == (1, text.rindex('"') + 1)


@pytest.mark.parametrize(
    ("path", "offset", "is_key"),
    [
        pytest.param(("a", 1), 0, False, id="number"),
        pytest.param(("a", 2, "b"), 0, True, id="key"),
        pytest.param(("a", 2, "b"), 4, False, id="inside a text, after escapes"),
        pytest.param(("c",), 0, True, id="key after a list"),
        pytest.param(("c",), 0, False, id="empty object"),
        pytest.param((), 0, False, id="whole"),
    ],
)
def test_what_stands_at_a_place_is_found_again(path: JsonPath, offset: int, *, is_key: bool) -> None:
    file = parse('{"a": [1, 2,\n {"b": "' + r"a\n\ud83d\ude00" + '😀 x"}],\n "c": {}}', "f.json")
    place = file.key_place(path) if is_key else file.place(path, offset)
    assert file.part_at(*place) == (path, offset, is_key)


def test_one_megabyte_is_read_quickly() -> None:
    step = {"id": "classify", "uses": "llm.extract", "with": {"text": "x" * 40, "list": [1, 2.5, None]}}
    text = json.dumps([step] * 5500, indent=2)[:1_000_000]
    started = time.process_time()
    problems_of(text)
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        pytest.param(b'{\n "a": "\xff"}', "not_utf8", (2, 8), id="not-utf8"),
        pytest.param(b'\xef\xbb\xbf{"\xc3\xa4": "\xff"}', "not_utf8", (1, 8), id="not-utf8-after-bom-and-umlaut"),
        pytest.param(b"\x1f\x8b\x08", "not_utf8", (1, 2), id="binary"),
        pytest.param(b" " * 1_000_001, "too_large", (1, 1), id="too-large"),
    ],
)
def test_bytes_that_are_no_json_text_are_named(tmp_path: Path, data: bytes, code: str, place: tuple[int, int]) -> None:
    (tmp_path / "f.json").write_bytes(data)
    with pytest.raises(InvalidFile) as caught:
        read(tmp_path / "f.json", "f.json")
    [problem] = caught.value.problems
    assert (problem.code, (problem.line, problem.column)) == (code, place)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read(tmp_path / "f.json").place(("a",)) == (1, 7)


@pytest.mark.parametrize("kind", ["folder", "missing", "looping-link"])
def test_what_is_no_plain_file_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "f.json"
    if kind == "folder":
        path.mkdir()
    if kind == "looping-link":
        path.symlink_to(path)
    with pytest.raises(InvalidFile, match=r"f\.json"):
        read(path)


@pytest.mark.parametrize("value", ["7", "null", '["a", {"b": 1}]', '{"id": "c"}', '"x"'])
def test_a_text_replaces_a_value_of_any_type(value: str) -> None:
    text = f'{{\n  "a": 1,\n  "id": {value},\n  "b": 2\n}}'
    changed = parse(text, "x.json").with_text("id", "new", after="a")
    assert changed == '{\n  "a": 1,\n  "id": "new",\n  "b": 2\n}'
    assert parse(changed, "x.json").value == {"a": 1, "id": "new", "b": 2}
