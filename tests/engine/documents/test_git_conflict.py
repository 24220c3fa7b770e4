"""A file in which Git has left a conflict says so, whatever else is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.base.errors import InvalidFile
from engine.documents import json_file, yaml_file

JSON = '{\n  "title": "A",\n<<<<<<< HEAD\n  "steps": [1]\n=======\n  "steps": [2]\n>>>>>>> theirs\n}\n'
YAML = "time_zone: UTC\n<<<<<<< HEAD\nlogs: a\n||||||| base\n=======\nlogs: b\n>>>>>>> theirs\n"


@pytest.mark.parametrize(
    ("parse", "text", "line"),
    [
        pytest.param(json_file.parse, JSON, 3, id="JSON"),
        pytest.param(json_file.parse, JSON.replace("\n", "\r\n"), 3, id="JSON of Windows"),
        pytest.param(yaml_file.parse, YAML, 2, id="YAML"),
    ],
)
def test_a_conflict_is_named_with_its_line(parse: Callable[[str, str], object], text: str, line: int) -> None:
    with pytest.raises(InvalidFile) as refused:
        parse(text, "it")
    [problem] = refused.value.problems
    assert (problem.message, problem.line) == ("Git has left a conflict here.", line)


def test_a_text_about_conflicts_is_none() -> None:
    assert json_file.parse('{"text": "<<<<<<< HEAD\\n=======\\n>>>>>>> theirs"}', "it").value["text"].startswith("<<<")


def test_conflicts_that_only_begin_take_no_time() -> None:
    """With the square of its length, a megabyte of them would take minutes."""
    with pytest.raises(InvalidFile) as refused:
        json_file.parse("{\n" + "<<<<<<< a\n" * 90_000, "it")
    assert refused.value.problems[0].message != "Git has left a conflict here."
