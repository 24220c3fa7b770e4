"""Classify and sum up: what is asked, what may come back, and that the compiler knows it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clients.errors import BadAnswer, InvalidRequest
from engine.plugins.step import Call
from engine.steps.llm.text import Classify, ClassifyOutput, Summarize
from tests.engine.steps.llm.test_extract import Server, call_of

LABELS = {"bug": "Something fails.", "task": "Work to do."}
BUG = '{"reason": "It crashes.", "label": "bug", "confidence": 0.9}'


def classify(server: Server, **arguments: Any) -> Any:
    return Classify().call(call_of(server, Classify.fields.model_validate({"text": "Crash!", **arguments})))


def test_labels_that_are_no_texts_are_no_reason_to_stop() -> None:
    assert Classify().problems({"labels": [{"bug": "It fails."}]}, {})
    assert not Classify().problems({"labels": [{"a": 1}, ["b"]]}, {})


def summarize(server: Server, **arguments: Any) -> tuple[Any, Call]:
    call = call_of(server, Summarize.fields.model_validate(arguments))
    return Summarize().call(call), call


def test_a_label_comes_with_its_reason() -> None:
    server = Server(BUG)
    output = classify(server, labels=LABELS, instructions="Be strict.")
    assert output == {"reason": "It crashes.", "label": "bug", "confidence": 0.9}
    assert ClassifyOutput.model_validate(output)
    system, user = server.asked[0]["messages"]
    assert "- bug: Something fails." in system["content"]
    assert "- unsure" in system["content"]
    assert "Be strict." in system["content"]
    assert user == {"role": "user", "content": "Crash!"}
    assert server.asked[0]["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("unsure", "labels"),
    [pytest.param(True, ["bug", "task", "unsure"], id="may doubt"), pytest.param(False, ["bug", "task"], id="may not")],
)
def test_nothing_but_a_label_comes_back(unsure: bool, labels: list[str]) -> None:
    other = '{"reason": "", "label": "song", "confidence": null}'
    server = Server(other, other)
    with pytest.raises(BadAnswer, match="song"):
        classify(server, labels=["bug", "task"], unsure=unsure)
    schema = server.asked[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["label"]["enum"] == labels


@pytest.mark.parametrize(
    ("said", "labels", "label"),
    [
        pytest.param("BUG", ["bug", "task"], "bug", id="other case"),
        pytest.param(" Task ", ["bug", "task"], "task", id="blanks"),
        pytest.param("A", ["a", "A"], "A", id="both are labels"),
    ],
)
def test_a_label_in_other_letters_is_that_label(said: str, labels: list[str], label: str) -> None:
    server = Server(json.dumps({"reason": "", "label": said, "confidence": None}))
    assert classify(server, labels=labels)["label"] == label
    assert len(server.asked) == 1


def test_a_label_that_could_be_two_is_asked_for_again() -> None:
    doubtful, clear = (json.dumps({"reason": "", "label": one, "confidence": None}) for one in ("straße", "STRASSE"))
    server = Server(doubtful, clear)
    assert classify(server, labels=["Strasse", "STRASSE"])["label"] == "STRASSE"
    assert len(server.asked) == 2


def test_the_compiler_knows_the_labels_and_trusts_them() -> None:
    label = Classify().output_schema({"labels": LABELS}, {})["properties"]["label"]
    assert label["enum"] == ["bug", "task", "unsure"]
    assert "outside" not in label
    assert Classify().output_schema({"labels": LABELS, "unsure": False}, {})["properties"]["label"]["enum"] == [*LABELS]


@pytest.mark.parametrize("labels", ["{{ inputs.labels }}", ["{{ inputs.one }}", "task"]], ids=["all", "one"])
def test_labels_that_come_at_run_time_are_text_from_outside(labels: Any) -> None:
    label = Classify().output_schema({"labels": labels}, {})["properties"]["label"]
    assert label["outside"] is True
    assert "enum" not in label


@pytest.mark.parametrize(
    ("labels", "wrong"), [([], True), (["bug"], True), (["bug", "bug"], True), (LABELS, False), ("{{ x }}", False)]
)
def test_there_must_be_a_choice(labels: Any, wrong: bool) -> None:
    assert bool(Classify().problems({"labels": labels}, {})) is wrong


def test_a_short_text_is_summed_up_at_once() -> None:
    server = Server("It crashes.")
    output, call = summarize(server, text="Crash!", length="sentence", focus="What fails", language="German")
    assert output == {"text": "It crashes.", "parts": 1, "is_cut": False, "model": "served-model"}
    wish = server.asked[0]["messages"][0]["content"]
    assert "in one sentence" in wish
    assert "What matters: What fails" in wish
    assert "German" in wish
    assert call.usage.output_tokens == 5


def test_a_long_text_is_read_in_parts_and_only_the_last_summary_is_seen_to_come() -> None:
    text = "\n\n".join(f"Paragraph {number}. " + "word " * 200 for number in range(60))
    server = Server("one", "two", "three", "all")
    call = call_of(server, Summarize.fields.model_validate({"text": text}))
    pieces: list[str] = []
    call.on_text = pieces.append
    output = Summarize().call(call)
    assert output == {"text": "all", "parts": 3, "is_cut": False, "model": "served-model"}
    assert pieces == ["all"]
    parts = [asked["messages"][1]["content"] for asked in server.asked]
    assert parts[3] == "one\n\ntwo\n\nthree"
    assert all(f"Paragraph {number}. " in "".join(parts) for number in range(60))
    assert call.usage.output_tokens == 20


def test_a_summary_that_is_cut_says_so_and_a_refusal_is_none() -> None:
    cut, call = summarize(Server("It cr", finish_reason="length"), text="Crash!")
    assert (cut["text"], cut["is_cut"]) == ("It cr", True)
    assert call.notes[-1].startswith("The model's answer is cut off")
    with pytest.raises(InvalidRequest, match="before it said anything"):
        summarize(Server("", finish_reason="length"), text="Crash!")
    with pytest.raises(InvalidRequest, match="refuses: I cannot"):
        summarize(Server(refusal="I cannot."), text="Crash!")


@pytest.mark.parametrize("said", ["", " \n", "<think>A crash</think>"], ids=repr)
def test_an_empty_summary_is_a_failure_also_of_a_part(said: str) -> None:
    with pytest.raises(BadAnswer, match="was empty"):
        summarize(Server(said), text="Crash!")
    with pytest.raises(BadAnswer, match="was empty"):
        summarize(Server("one", said), text="Paragraph. " * 4_000)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [("", "where 'text' comes from"), (" \n ", "an 'if'"), ("x" * 2_000_000, "Give at most")],
    ids=["empty", "blank", "endless"],
)
def test_what_cannot_be_summed_up_is_not_sent(text: str, remedy: str) -> None:
    server = Server()
    with pytest.raises(InvalidRequest) as refused:
        summarize(server, text=text)
    assert remedy in refused.value.remedy
    assert server.asked == []
