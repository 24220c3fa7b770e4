"""A prompt as text: what is written is read as the same prompt, and a wrong text is refused where it is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.base.errors import InvalidFile, InvalidInput
from engine.prompts.prompt_text import LARGEST_BYTES, read, written
from engine.workspace.canonical import canonical
from tests.few import examples

ODD = [
    *("---", "<!-- role: user -->", "\\<!-- role: user -->", "<!--ROLE:", "...", "\r\n", "\n", "\n\n", " ", "  - a: b"),
    *(
        "\t",
        "\x00",
        "\x85",
        "\u2028",
        "\ufeff",
        "é",
        "😀",
        "#",
        ": ",
        "on",
        "12:30",
        "~",
        "1.0",
        "{{ text }}",
        "'",
        '"',
    ),
    *("|", ">", "&a", "*a", "!!x", "%YAML", "\\", "\x7f"),
]
TEXTS = st.lists(st.sampled_from(ODD) | st.text(max_size=4), max_size=6).map("".join)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)  # fmt: skip
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=12)
MESSAGES = st.fixed_dictionaries({
    "role": st.sampled_from(["system", "user", "assistant"]),
    "content": TEXTS | st.lists(TEXTS, max_size=4),
})  # fmt: skip
PROMPTS = st.fixed_dictionaries(
    {"schema_version": st.just(1), "messages": st.lists(MESSAGES, min_size=1, max_size=3)},
    optional={
        "title": TEXTS,
        "description": TEXTS,
        "model": st.none() | TEXTS,
        "parameters": st.dictionaries(TEXTS, VALUES, max_size=3),
        "variables": st.dictionaries(st.sampled_from(["a", "on", "no"]), st.dictionaries(TEXTS, VALUES, max_size=3)),
        "output_schema": st.none() | st.dictionaries(TEXTS, VALUES, max_size=3),
        "samples": st.lists(
            st.fixed_dictionaries({
                "name": TEXTS.filter(bool), "variables": st.dictionaries(TEXTS, VALUES, max_size=2)
            }), max_size=2,
        ),
    },
)  # fmt: skip
GREET = """\
---
name: greet
title: Greet
variables:
  text:
    type: string
---

<!-- role: system -->
Be kind.

<!-- role: user -->
{{ text }}
"""


def plain(text: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in text)


@pytest.mark.slow
@examples(50)
@given(PROMPTS.filter(lambda one: plain(json.dumps(one, ensure_ascii=False))))
@example({"schema_version": 1, "messages": [{"role": "user", "content": ["a\nb", "", "<!-- role: user -->"]}]})
@example({"schema_version": 1, "messages": [{"role": "user", "content": []}, {"role": "user", "content": "\n\n"}]})
def test_a_prompt_comes_back_as_it_was(prompt: dict[str, Any]) -> None:
    found = read(written("greet", prompt), "greet.md")  # type: ignore[arg-type]
    assert found.name == "greet"
    assert canonical(dict(found.document), "prompt") == canonical(prompt, "prompt")


def test_a_sample_at_the_end_keeps_its_last_newline() -> None:
    prompt: Any = {
        "schema_version": 1,
        "messages": [{"role": "user", "content": ["a"]}],
        "samples": [{"name": "one", "variables": {"text": "a\nb\n"}}],
    }
    assert read(written("greet", prompt), "greet.md").document["samples"] == prompt["samples"]


def test_the_text_is_as_the_documentation_shows() -> None:
    found = read(GREET, "greet.md")
    sections = [(one["role"], one["content"]) for one in found.document["messages"]]
    assert sections == [("system", ["Be kind."]), ("user", ["{{ text }}"])]
    assert written(found.name, found.document).replace("schema_version: 1\n", "") == GREET


def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing() -> None:
    assert read("\ufeff" + GREET.replace("\n", "\r\n"), "greet.md") == read(GREET, "greet.md")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("---\nname", "name", 1, "does not begin with ---"),
        ("string\n---", "string\n", 1, "does not end"),
        ("title: Greet", "title: [", 5, "expected"),
        ("title: Greet", "title: on", 3, "YAML reads on as true or false"),
        ("title: Greet", "title: &a Greet\ndescription: *a", 3, "Anchors and aliases"),
        ("title: Greet", "title: !!python/object/apply:os.system [ls]", 3, "Tags are not supported"),
        ("title: Greet", 'title: "\\ud800"', 3, "surrogate"),
        ("title: Greet", "parameters: {top: 1.0e+999}", 3, "64 bits"),
        ("title: Greet", "parameters: {top: 1e999}", 3, "YAML reads 1e999 as text"),
        ("title: Greet", "parameters: {top: 1e6}", 3, "YAML reads 1e6 as text"),
        ("title: Greet", "title: Greet\ntitle: Greet", 4, "twice"),
        ("title: Greet", "titel: Greet", 3, "titel"),
        ("title: Greet", "title: 5", 3, "title"),
        ("title: Greet", "labels: {production: 1}", 3, "'labels' cannot be in front matter"),
        ("name: greet", "name: 5", 2, "name is not a text"),
        ("<!-- role: system -->", "<!-- role: sytem -->", 9, "role"),
        ("<!-- role: system -->", "<!-- role system -->", 9, "in no message"),
        ("<!-- role: user -->", "<!-- role: user", 12, "names no role"),
        ("<!-- role: user -->", "<!-- role: user, content: [1] -->", 12, "'content' of this role"),
        ("<!-- role: user -->", '<!-- role: user, content: ["\\ud800"] -->', 12, "'content' of this role"),
        (GREET[GREET.index("<!--") :], "", 9, "has no message"),
    ],
)  # fmt: skip
def test_a_wrong_text_is_refused_where_it_is_wrong(old: str, new: str, line: int, said: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        read(GREET.replace(old, new), "greet.md")
    assert any(one.line == line and said in one.message for one in refused.value.problems), refused.value.problems
    assert {one.file for one in refused.value.problems} == {"greet.md"}


@pytest.mark.parametrize("front", ["- title: Greet", "[name, title]", "true", "5", '"name: greet"'])
def test_front_matter_that_is_not_a_mapping_is_refused(front: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        read(f"---\n{front}\n---\n<!-- role: user -->\nHello", "greet.md")
    [problem] = refused.value.problems
    assert (problem.line, problem.message) == (2, "The front matter is not a list of keys and values.")


def test_what_is_too_large_is_neither_written_nor_read() -> None:
    with pytest.raises(InvalidFile, match="at most 1,000,000"):
        read("x" * (LARGEST_BYTES + 1), "greet.md")
    found = read(GREET + "x" * (LARGEST_BYTES - len(GREET)), "greet.md")
    with pytest.raises(InvalidInput, match="too large"):
        written(found.name, found.document)
