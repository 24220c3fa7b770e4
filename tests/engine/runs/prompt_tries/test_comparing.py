"""A comparison asks every column or none, and shows how the answers differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from engine.base.errors import ConfirmationNeeded, InUse, InvalidInput, OrchestraError, UnknownName
from engine.base.statuses import RunStatus
from engine.people.access import Principal
from engine.runs.prompt_tries.columns import TriedColumn, parsed
from engine.runs.prompt_tries.comparing import Comparison
from engine.runs.prompt_tries.differing import answer_differences, field_changes, text_parts
from engine.runs.prompt_tries.records import Try
from engine.runs.prompt_tries.store import MOST_TRIES
from engine.runs.prompt_tries.try_requests import TryRequest
from tests.counted_steps import at_most
from tests.engine.runs.prompt_tries.conftest import Desk
from tests.patience import PATIENCE_SECONDS, until

OWNER = Principal("tester", "owner", confirmed=True)
HASTY = Principal("tester", "owner")
NAME = "sum-up"
FIRST = {
    "schema_version": 1,
    "variables": {"text": {"type": "string"}},
    "messages": [{"role": "user", "content": ["{{ text }}"]}],
    "samples": [{"name": "One", "variables": {"text": "the meeting is on Friday"}}],
}
SECOND = {
    **FIRST,
    "variables": {"text": {"type": "string"}, "tone": {"type": "string", "default": "short"}},
    "messages": [{"role": "user", "content": ["Be {{ tone }}.", "{{ text }}"]}],
    "samples": [{"name": "One", "variables": {"text": "something else", "tone": "kind"}}],
}


@pytest.fixture
def ready(desk: Desk) -> Desk:
    """A prompt with version 1, a draft that differs from it, and two connections of models."""
    desk.config()
    server = desk.standins["openai"]
    llm = {"service": "openai", "base_url": server.base_url, "api_key": "env:BUDGET_KEY", "model": "big"}
    desk.config(connections={"llm": llm, "other": {**llm, "model": "small"}})
    path = desk.root / "prompts" / f"{NAME}.json"
    path.write_text(json.dumps(FIRST))
    prompts = desk.orchestra.prompts
    file = prompts.get(OWNER, NAME)
    prompts.save_version(OWNER, NAME, file.text, file.etag, "production")
    path.write_text(json.dumps({**SECOND, "labels": {"production": 1}}))
    return desk


def compared(desk: Desk, *columns: str, p: Principal = OWNER, **values: Any) -> Comparison:
    begun = start(desk, [parsed(one) for one in columns], p, **values)
    return desk.orchestra.comparisons.wait(OWNER, NAME, begun["id"], PATIENCE_SECONDS)


def start(desk: Desk, columns: Sequence[TriedColumn], p: Principal = OWNER, **values: Any) -> Comparison:
    given: dict[str, Any] = {"sample": "One", "connection": "llm", **values}
    return desk.orchestra.comparisons.start(p, NAME, columns, TryRequest(**given))


def column_of(one: Try) -> str:
    assert one["column"] is not None
    return one["column"]["title"]


def test_each_column_is_a_try_with_the_same_values_and_is_found_again(ready: Desk) -> None:
    one = compared(ready, "production", "draft:small", "1@other")
    assert one["status"] == "succeeded"
    facts = [(each["version"], column_of(each), each["connection"], each["variables"]) for each in one["tries"]]
    same = {"text": "the meeting is on Friday"}
    assert facts == [
        (1, "production", "llm", same),
        (None, "draft · small", "llm", {**same, "tone": "short"}),
        (1, "version 1 · other", "other", same),
    ], "the values of a sample are those of the first column, also where a text has others"
    assert [each["source"] for each in one["tries"]] == [{"sample": "One"}, {}, {"sample": "One"}]
    ready.orchestra.close()
    again = ready.open()
    assert again.comparisons.list(OWNER, NAME) == [one]
    assert {each["id"] for each in one["tries"]} == {each["id"] for each in again.tries.list(OWNER, NAME)}
    lines = [(line.action, one["id"] in line.detail) for line in again.audit(OWNER)[:4]]
    assert lines == [("prompts.try", True)] * 3 + [("prompts.confirm", False)]


def test_all_real_accounts_are_agreed_to_at_once_and_before_anything_is_asked(ready: Desk) -> None:
    with pytest.raises(ConfirmationNeeded) as refused:
        compared(ready, "1", "1@other", p=HASTY)
    needed = refused.value.needs_confirmation
    assert [each.partition(":")[0] for each in needed] == ["llm", "other"]
    with pytest.raises(ConfirmationNeeded):
        compared(ready, "1", "1@other", p=HASTY.agreeing(needed[:1]))
    assert (ready.asked, ready.orchestra.tries.list(OWNER, NAME)) == (0, [])
    assert compared(ready, "1", "1@other", p=HASTY.agreeing(needed))["status"] == "succeeded"


REFUSED: list[tuple[Sequence[TriedColumn], Mapping[str, Any], type[OrchestraError], str]] = [
    ([TriedColumn("1")], {}, InvalidInput, "2 to 4 columns, not 1"),
    ([TriedColumn("1")] * 5, {}, InvalidInput, "2 to 4 columns, not 5"),
    ([TriedColumn("1"), TriedColumn("9")], {}, UnknownName, r"Column 2 \(version 9\): There is no version"),
    ([TriedColumn("1"), TriedColumn("1", connection="gmail")], {}, UnknownName, "Column 2 .*connection of a model"),
    ([TriedColumn("1"), TriedColumn(text="[1]")], {}, InvalidInput, r"Column 2 \(given text\): .*JSON object"),
    ([TriedColumn("1")] * 2, {"sample": "Two"}, UnknownName, "no sample named 'Two'"),
    ([TriedColumn("1")] * 2, {"variables": {"tone": "a"}}, InvalidInput, "No text .* has a variable 'tone'"),
    (
        [TriedColumn("1"), TriedColumn(is_draft=True)],
        {"variables": {"tone": 5}},
        InvalidInput,
        "Column 2 .*'tone' does not fit",
    ),
    ([TriedColumn("1"), TriedColumn("1")], {"sample": ""}, InvalidInput, "Column 1 .*'text' has no value"),
]


@pytest.mark.parametrize(("columns", "values", "kind", "words"), REFUSED, ids=[row[3] for row in REFUSED])
def test_nothing_is_asked_if_one_column_cannot_be(
    ready: Desk, columns: Sequence[TriedColumn], values: Mapping[str, Any], kind: type[OrchestraError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        start(ready, columns, **values)
    assert (ready.asked, ready.orchestra.tries.list(OWNER, NAME)) == (0, [])


def test_nothing_is_asked_if_there_is_no_room_for_all(ready: Desk) -> None:
    ready.standins.faults("openai", match="POST /v1/chat/completions", until_seconds=30, delay_seconds=3)
    begun = [start(ready, [TriedColumn("1")] * 3) for _ in range(2)]
    with pytest.raises(InUse, match="At most 8"):
        start(ready, [TriedColumn("1")] * 3)
    assert len(ready.orchestra.tries.list(OWNER, NAME)) == 6
    until(lambda: ready.asked == 6, "the requests")
    stopped = [ready.orchestra.comparisons.cancel(OWNER, NAME, one["id"]) for one in begun]
    assert [one["status"] for one in stopped] == ["failed", "failed"]
    assert {each["status"] for one in stopped for each in one["tries"]} == {"cancelled"}
    ready.standins.calm("openai")


def test_a_column_that_fails_leaves_the_others_and_their_differences(ready: Desk) -> None:
    ready.standins.faults("openai", match="POST /v1/chat/completions", status=401, times=1)
    one = compared(ready, "1", "1", "draft")
    ready.standins.calm("openai")
    assert sorted(each["status"] for each in one["tries"]) == ["failed", "succeeded", "succeeded"]
    assert one["status"] == "failed"
    assert one["differences"]["is_same"] is not None


def test_a_comparison_that_is_no_longer_whole_is_not_shown(ready: Desk) -> None:
    one = compared(ready, "1", "draft")
    for _ in range(MOST_TRIES - 1):
        begun = ready.orchestra.tries.start(OWNER, NAME, TryRequest(sample="One", connection="llm"))
        ready.orchestra.tries.wait(OWNER, NAME, begun["id"], PATIENCE_SECONDS)
    assert ready.orchestra.comparisons.list(OWNER, NAME) == []
    with pytest.raises(UnknownName, match="comparison of the prompt"):
        ready.orchestra.comparisons.get(OWNER, NAME, one["id"])


def answered(text: str | None, value: Any = None) -> Try:
    answer = None if text is None else {"text": text, "value": value, "finish_reason": "stop", "problems": []}
    only: Any = {"answer": answer, "status": RunStatus.SUCCEEDED}
    made: Try = only
    return made


Row = tuple[str, list[Any], list[int], bool]
JSON: list[tuple[str, list[Any], list[Row]]] = [
    ("equal", [{"a": 1, "b": [1]}] * 2, [("a", [1, 1], [], True), ("b[0]", [1, 1], [], True)]),
    ("differing", [{"k": "bug"}, {"k": "task"}], [("k", ["bug", "task"], [], False)]),
    ("inside", [{"a": {"b": 1}}, {"a": {"b": 2}}], [("a.b", [1, 2], [], False)]),
    ("missing", [{"a": 1}, {}], [("a", [1, None], [2], False)]),
    ("null is a value", [{"a": None}, {}], [("a", [None, None], [2], False)]),
    ("lists of two lengths", [{"a": [1]}, {"a": [1, 2]}], [("a", [[1], [1, 2]], [], False)]),
    ("forms", [{"a": 1}, [1]], [("", [{"a": 1}, [1]], [], False)]),
    ("true is not 1", [{"a": True}, {"a": 1}], [("a", [True, 1], [], False)]),
    ("empty", [{}, {}], [("", [{}, {}], [], True)]),
    ("three", [{"a": 1}, {"a": 1}, {"a": 2}], [("a", [1, 1, 2], [], False)]),
]


@pytest.mark.parametrize(("values", "expected"), [row[1:] for row in JSON], ids=[row[0] for row in JSON])
def test_json_answers_differ_by_field(
    values: list[Any], expected: list[tuple[str, list[Any], list[int], bool]]
) -> None:
    found = answer_differences([answered(json.dumps(one), one) for one in values])
    rows = [(one["field"], one["values"], one["missing"], one["is_same"]) for one in found["fields"]]
    assert repr(rows) == repr(expected), "1 and true are equal in Python"
    assert found["is_same"] is all(same for *_, same in expected)


def test_a_column_without_an_answer_has_no_part_in_the_differences() -> None:
    found = answer_differences([answered(None), answered("{}", {"a": 1}), answered("{}", {"a": 1})])
    assert found["is_same"] is True
    assert [(one["values"], one["missing"]) for one in found["fields"]] == [([None, 1, 1], [1])]
    assert answer_differences([answered("a"), answered(None)])["is_same"] is None


def test_long_texts_in_json_are_compared_by_word_with_the_first() -> None:
    text = "The export crashes with an error since this morning, and nobody knows the cause."
    values: list[Any] = [None, {"a": text, "b": "bug"}, {"a": text.replace("nobody", "she"), "b": "task"}, {"a": ""}]
    found = answer_differences([answered(None if one is None else json.dumps(one), one) for one in values])
    changes = {one["field"]: field_changes(one) for one in found["fields"]}
    assert changes["b"] == [(), (), (), ()], "short texts are shown as a whole"
    assert [len(one) for one in changes["a"]] == [0, 0, 4, 0]
    assert [(one["change"], one["text"]) for one in changes["a"][2][1:3]] == [("removed", "nobody"), ("added", "she")]


def test_json_and_other_text_differ_as_a_whole() -> None:
    found = answer_differences([answered('{"a": 1}', {"a": 1}), answered("It is a bug.")])
    assert found == {"is_same": False, "fields": [], "texts": []}


def test_texts_differ_by_word_from_the_first_answer() -> None:
    found = answer_differences([answered("It is a bug."), answered("It is a big bug."), answered("It is a bug.")])
    assert found["is_same"] is False
    shown = [[(part["change"], part["text"]) for part in parts] for parts in found["texts"]]
    assert shown == [
        [],
        [("same", "It is a "), ("added", "big "), ("same", "bug.")],
        [("same", "It is a bug.")],
    ]


@pytest.mark.parametrize("size", [10, 200, 20_000])
def test_the_parts_of_a_text_make_up_both_texts(size: int) -> None:
    """Also for texts that are too long to be compared by word, or to be compared at all: an answer may be any text."""
    before, after = "one two, three\n" * size, "one 2, three\n" + "one two, three; 3\n" * (size - 1) + "four"
    parts = text_parts(before, after)
    assert "".join(one["text"] for one in parts if one["change"] != "added") == before
    assert "".join(one["text"] for one in parts if one["change"] != "removed") == after


def test_no_answer_takes_more_steps_than_its_words_allow() -> None:
    """A model may be told what to answer, and what is not a word for people is one here."""
    signs = [chr(0x2200 + at) for at in range(200)]
    before = "".join(signs[at % 50] for at in range(1_990))
    after = "".join(signs[at % 50] + signs[50 + at % 150] for at in range(995))
    with at_most(200_000):
        parts = text_parts(before, after)
    assert "".join(one["text"] for one in parts if one["change"] != "added") == before
