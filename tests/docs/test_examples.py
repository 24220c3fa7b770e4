"""What the documents show is true: every example runs and gives what they say."""

from __future__ import annotations

import json
import re

import pytest

from engine.orchestra import Orchestra
from tests.docs.pages import OWNER, blocks, every_page, run, text_of

EXPRESSIONS = "docs/expressions.md"
_EXAMPLE = re.compile(r"^### (\d+)\. (.*?)$.*?^```text\n(.*?)\n```\n\n```json\n(.*?)\n```$", re.DOTALL | re.MULTILINE)


def with_examples(sources: list[str]) -> str:
    """The workflow of the page, its loop's body replaced by one step for each expression."""
    document = json.loads(blocks(EXPRESSIONS, "json")[0])
    document["steps"][-1]["steps"] = [
        {"id": f"example_{number}", "uses": "flow.set", "with": {"values": {"result": source}}}
        for number, source in enumerate(sources)
    ]
    return json.dumps(document)


def test_every_example_of_an_expression_gives_what_the_page_says(orchestra: Orchestra) -> None:
    examples = _EXAMPLE.findall(text_of(EXPRESSIONS))
    assert [int(number) for number, *_ in examples] == list(range(1, 21))
    text = with_examples([source for _, _, source, _ in examples])
    assert [one for one in orchestra.workflows.check(OWNER, "examples", text) if one.severity == "error"] == []
    document = run(orchestra, "examples", text)
    assert document["status"] == "succeeded", document["error"]
    outputs = {step["path"]: step["output"] for step in document["steps"]}
    found = [outputs[f"each_mail[0].example_{number}"]["result"] for number in range(20)]
    assert found == [json.loads(result) for *_, result in examples]


def test_every_mistake_in_an_expression_is_told_as_the_page_says(orchestra: Orchestra) -> None:
    mistakes = re.findall(r"^\| `(\{\{.*?)` \| (.*?) \|$", text_of(EXPRESSIONS), re.MULTILINE)
    assert len(mistakes) >= 4
    for source, said in mistakes:
        problems = orchestra.workflows.check(OWNER, "examples", with_examples([source]))
        problem = next(one for one in problems if one.severity == "error")
        assert f"{problem.message} {problem.remedy}".startswith(said), source


@every_page
def test_every_json_on_a_page_is_json(page: str) -> None:
    for block in blocks(page, "json"):
        json.loads(block)


def test_the_workflow_with_every_key_runs(orchestra: Orchestra) -> None:
    text = blocks("docs/files.md", "json")[0]
    assert orchestra.workflows.check(OWNER, "example", text) == []
    assert run(orchestra, "example", text)["outputs"] == {"greeted": 2}


def test_the_prompt_of_the_page_is_sound_but_for_the_version_that_its_label_names(orchestra: Orchestra) -> None:
    problems = orchestra.prompts.check(OWNER, "topic", blocks("docs/files.md", "json")[1])
    assert [problem.field for problem in problems if problem.severity == "error"] in ([], ["labels.production"])


_README = pytest.mark.parametrize(
    "text", [pytest.param(text, id=f"{len(text.splitlines())} lines") for text in blocks("README.md", "json")]
)


@_README
def test_a_workflow_of_the_readme_is_sound(orchestra: Orchestra, text: str) -> None:
    assert orchestra.workflows.check(OWNER, "tasks", text) == []


@pytest.mark.slow
@_README
def test_a_workflow_of_the_readme_writes_pages_and_only_once(orchestra: Orchestra, text: str) -> None:
    first = run(orchestra, "tasks", text)
    assert first["status"] == "succeeded", first["error"]
    assert first["counts"]["new_effects"] > 0
    assert first["outputs"].get("tasks", first["counts"]["new_effects"]) == first["counts"]["new_effects"]
    again = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "tasks", {}), 60)
    assert (again["outputs"], again["counts"]["new_effects"]) == (first["outputs"], 0)
