"""Answers of models among fixed choices: which fields have them, and whether a model always makes the same choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from engine.base.statuses import StepStatus
from engine.base.step_path import in_workflow
from engine.compiler.checks.rule_check import choice_fields
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

_MANY = 20
"""Answers from which on it is no chance that all are the same."""
_CHOICES = 3
"""Of two choices, such as urgent or not, one is often right for all."""


def is_of_model(step: StepRecord) -> bool:
    """Return whether a step asks a model."""
    return str(step["uses"] or "").startswith("llm.")


def is_answer(step: StepRecord) -> bool:
    """Return whether a step has the answer of a model, or of a rule in its place, and no value of its fallback."""
    is_done = step["status"] == StepStatus.SUCCEEDED and not step.get("fallback") and "planned" not in step
    return is_done and is_of_model(step)


def answer_schema(run: Run, step: StepRecord) -> Any:
    """Return the JSON Schema that a model step gave for its answer, as the run recorded it; None without one."""
    arguments = step["arguments"] or {}
    prompts = run["definition"].get("prompts") or {}
    return arguments.get("schema") or (prompts.get(str(arguments.get("prompt"))) or {}).get("output_schema")


def same_choice_sentences(run: Run) -> Iterator[str]:
    """Say which steps have asked a model for many items and always got the same choice: it may not be able to do it."""
    found: dict[str, dict[str, str]] = {}
    counts, titles = Counter[str](), dict[str, str]()
    for step in run["steps"]:
        if "[" not in step["path"] or not is_answer(step) or "by_rule" in step:
            continue
        place, output = in_workflow(step["path"]), step["output"]
        if not isinstance(output, Mapping):
            continue
        counts[place] += 1
        if place not in found:
            fields = choice_fields(answer_schema(run, step))
            wide = (name for name, schema in fields.items() if len(schema.get("enum", ())) >= _CHOICES)
            found[place] = {name: str(output[name]) for name in wide if name in output}
            titles[place] = step["title"] or step["id"]
        found[place] = {name: one for name, one in found[place].items() if str(output.get(name)) == one}
    for place, alike in found.items():
        for name, value in alike.items() if counts[place] >= _MANY else ():
            yield (
                f'All {counts[place]} answers of "{titles[place]}" have the same {name}, {value}. Read some of them: a '
                "model that always gives the same answer may not be up to this task."
            )
