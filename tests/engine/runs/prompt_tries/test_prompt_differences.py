"""Two texts of a prompt differ by word, part by part."""

from __future__ import annotations

from typing import Any

import pytest

from engine.runs.prompt_tries.prompt_differences import in_context, prompt_differences

PROMPT: dict[str, Any] = {
    "title": "Sort",
    "model": "small",
    "parameters": {"temperature": 0},
    "variables": {"text": {"type": "string"}},
    "messages": [
        {"role": "system", "content": ["Sort the mail.", "Be brief."]},
        {"role": "user", "content": "{{ text }}"},
    ],
    "output_schema": {"type": "object", "properties": {"kind": {"type": "string", "enum": ["task", "bug"]}}},
}


@pytest.mark.parametrize(
    ("change", "part", "added", "removed"),
    [
        ({"title": "Sort well"}, "Title", " well", ""),
        ({"model": None}, "Model", "", "small"),
        ({"parameters": {"temperature": 1}}, "Parameters", "1", "0"),
        ({"messages": [{"role": "user", "content": "{{ text }}"}]}, "Message 2", "", "{{ text }}"),
        ({"messages": [PROMPT["messages"][0], {"role": "assistant", "content": "{{ text }}"}]}, "Role of message 2",
         "assistant", "user"),
        ({"messages": [{"role": "system", "content": "Sort the letters.\nBe brief."}, PROMPT["messages"][1]]},
         "Message 1", "letters", "mail"),
        ({"variables": {"text": {"type": "string"}, "to": True}}, "Variable to", "true", ""),
        ({"output_schema": None, "labels": {"production": 1}}, "Format of the answer", "", "object"),
        ({"messages": 5, "variables": [], "samples": "no"}, "Samples", "no", ""),
    ],
)  # fmt: skip
def test_each_part_differs_by_word(change: dict[str, Any], part: str, added: str, removed: str) -> None:
    after = {**PROMPT, **change}
    found = {one["part"]: one["texts"] for one in prompt_differences(PROMPT, after)}
    assert part in found
    assert added in "".join(one["text"] for one in found[part] if one["change"] == "added")
    assert removed in "".join(one["text"] for one in found[part] if one["change"] == "removed")
    assert prompt_differences(after, {**after, "labels": {"staging": 2}, "protected": ["staging"]}) == []


def test_a_long_unchanged_passage_is_cut_short_around_the_change() -> None:
    long = "word " * 400
    [difference] = prompt_differences({"title": f"{long}a"}, {"title": f"{long}b"})
    texts = in_context(difference["texts"])
    assert [one["change"] for one in texts] == ["same", "removed", "added"]
    assert (len(texts[0]["text"]) < 200, texts[0]["text"].endswith("word ")) == (True, True)
