"""What is read out of a model's answer: thoughts, JSON, names, what was cut."""

from __future__ import annotations

import time
from typing import Any

import pytest

from clients.models.loose_json import loose_json
from clients.models.names import is_offered, is_other_model
from clients.models.reading import cut_note, least_tokens
from clients.models.thoughts import ThoughtFilter, without_thoughts

SPOKEN = {
    "none": ("Hi there.", "Hi there."),
    "before the answer": ("<think>\nHm.\n</think>\n\nHi.", "Hi."),
    "twice": ("<think>a</think><think>b</think>Hi.", "Hi."),
    "nothing": ("<think>\n\n</think>\n\nHi.", "Hi."),
    "without an end": ("<think>Hm, Hi.", ""),
    "by other names": ("<thinking>a</thinking> <reasoning>b</reasoning> Hi.", "Hi."),
    "in brackets": ("[THINK]Hm.[/THINK]Hi.", "Hi."),
    "in another script's brackets": ("◁think▷Hm.◁/think▷Hi.", "Hi."),
    "in a channel": ("<|channel|>analysis<|message|>Hm.<|end|><|channel|>final<|message|>Hi.", "Hi."),
    "markup that is none": ("<b>Hi.</b>", "<b>Hi.</b>"),
    "a list": ("[1, 2]", "[1, 2]"),
    "mentioned": ("End it with `</think>`.", "End it with `</think>`."),
    "mentioned in a block": ("```\n</think>\n```\nSo.", "```\n</think>\n```\nSo."),
    "in JSON": ('{"text": "a </think> b"}', '{"text": "a </think> b"}'),
}


@pytest.mark.parametrize(("said", "spoken"), SPOKEN.values(), ids=SPOKEN)
def test_thoughts_are_left_out_whole_and_in_pieces(said: str, spoken: str) -> None:
    assert without_thoughts(said) == spoken
    for size in (1, 2, 5, len(said)):
        pieces: list[str] = []
        heard = ThoughtFilter(pieces.append)
        for start in range(0, len(said), size):
            heard.add(said[start : start + size])
        heard.end()
        assert "".join(pieces) == spoken


def test_thoughts_with_only_an_end_are_held_back_once_a_model_is_known_to_begin_in_them() -> None:
    assert without_thoughts("Hm.\n</think>\nHi.") == "Hi."
    for said, spoken in {"Hm.\n</think>\nHi.": "Hi.", "No thoughts.": "No thoughts."}.items():
        pieces: list[str] = []
        heard = ThoughtFilter(pieces.append, begins_in_thoughts=True)
        for letter in said:
            heard.add(letter)
        heard.end()
        assert "".join(pieces) == spoken


def test_long_thoughts_take_linear_time() -> None:
    heard = ThoughtFilter(lambda _: None, begins_in_thoughts=True)
    began = time.process_time()
    assert without_thoughts("`</think>` " * 20_000)
    for _ in range(10_000):
        heard.add("a word ")
    heard.end()
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': None, 'b': True, 'c': [1, 2,],}", {"a": None, "b": True, "c": [1, 2]}),
        ('{"a": 1, // one\n "b": 2 /* two */}', {"a": 1, "b": 2}),
        ("{a: 'it is “so”'}", {"a": "it is “so”"}),
        ("{“a”: “b”}", {"a": "b"}),
        ('{"a": "one\ntwo\t"}', {"a": "one\ntwo\t"}),
        ("['\\u00e9\\ud83d\\ude00']", ["é😀"]),
        ('{"url": "https://a.example/#b"}', {"url": "https://a.example/#b"}),
        ("[-1.5e3, +2]", [-1500.0, 2]),
    ],
)
def test_what_can_be_meant_in_one_way_is_read(text: str, value: Any) -> None:
    assert loose_json(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "{'a': 'it's'}",
        '{"a": "the "big" one"}',
        '{"a": 1',
        '{"a": "b',
        "[1 2]",
        "[1,,2]",
        '{"a": NaN}',
        '{"a": 1e999}',
        "{\"a\": 1, 'a': 2,}",
        "{'a': '\\ud83d'}",
        "{'a': 01}",
        "[" * 500 + "]" * 500 + ",",
        "a: b",
        "",
    ],
)
def test_what_can_be_meant_in_two_ways_or_is_cut_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loose_json(text)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("openai/gpt-4o", "gpt-4o"),
        ("llama3", "llama3:latest"),
        ("qwen2.5-0.5b-instruct", "/models/Qwen2.5-0.5B-Instruct-Q4_K_M.gguf"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        ("anthropic/claude-sonnet-4", "anthropic/claude-4-sonnet-20250522"),
        ("mistral-large-latest", "mistral-large-2411"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
        ("google/gemini-2.5-flash:free", "google/gemini-2.5-flash-preview-05-20"),
        ("mistral-7b-instruct", "Mistral-7B-Instruct-v0.3"),
        ("grok-4-latest", "grok-4-0709"),
        ("o3", "o3-2025-04-16"),
        ("any", ""),
    ],
)
def test_names_of_one_model_are_known_as_such(asked: str, answered: str) -> None:
    assert not is_other_model(asked, answered)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o", "qwen2.5-0.5b-instruct"),
        ("gpt-4o", "gpt-4o-mini"),
        ("llama3:70b", "llama3:8b"),
        ("llama-3", "llama-2"),
        ("deepseek-v3", "deepseek-v2.5"),
        ("claude-opus-4", "claude-sonnet-4"),
    ],
)
def test_names_of_two_models_are_told_apart(asked: str, answered: str) -> None:
    assert is_other_model(asked, answered)
    assert not is_offered(asked, [answered])


def test_a_server_may_offer_all_names_of_a_kind() -> None:
    assert is_offered("openai/gpt-4o", ["openai/*"])
    assert is_offered("llama3", ["llama3:latest"])
    assert is_offered("vendor/m:provider", ["vendor/m"])
    assert not is_offered("x", ["openai/*"])


PROSE = "The quarterly report says that revenue grew, while costs stayed almost unchanged; see the table below. "
GERMAN = "Der Quartalsbericht besagt, dass die Umsätze gestiegen sind, während die Kosten fast gleich geblieben sind. "
CHINESE = "季度报告显示收入增长，而成本几乎没有变化；请参阅下表。"
THAI = "รายงานประจำไตรมาสระบุว่ารายได้เพิ่มขึ้นในขณะที่ต้นทุนแทบไม่เปลี่ยนแปลง "


def test_a_prompt_that_the_server_cut_is_told() -> None:
    messages = [{"role": "user", "content": "Please read this. " * 2_000}]
    note = cut_note(messages, {"input_tokens": 2_050, "output_tokens": 20})
    assert note.startswith("The server read about 2,050 of about 8,000 tokens")


@pytest.mark.parametrize(
    ("text", "letters_per_token"),
    [
        pytest.param(PROSE, 5.5, id="English"),
        pytest.param(GERMAN, 5.0, id="German"),
        pytest.param(CHINESE, 2.2, id="Chinese"),
        pytest.param(THAI, 4.0, id="Thai"),
        pytest.param("    return self.value(levels - 1)  # deeper\n", 4.5, id="code"),
        pytest.param("=" * 80 + "\n", 80.0, id="lines"),
        pytest.param(" " * 100 + "x\n", 50.0, id="spaces"),
        pytest.param("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 4 + "\n", 2.0, id="base64"),
        pytest.param("https://www.example.com/a-b/c?d=e ", 3.5, id="addresses"),
    ],
)
def test_a_thrifty_tokenizer_is_not_taken_for_a_cut(text: str, letters_per_token: float) -> None:
    messages = [{"role": "system", "content": "Sort."}, {"role": "user", "content": text * 1_000}]
    read = int(1_000 * len(text) / letters_per_token)
    assert cut_note(messages, {"input_tokens": read}) == ""


def test_what_cannot_be_known_is_not_told() -> None:
    short = [{"role": "user", "content": "a " * 900}]
    assert cut_note(short, {"input_tokens": 5}) == "", "short prompts may come from a cache"
    assert cut_note([{"role": "user", "content": "a " * 9_000}], {"input_tokens": 0}) == "", "it does not count"
    assert least_tokens([{"role": "user", "content": [{"type": "text", "text": "a b"}, {"type": "image_url"}]}]) == 2
