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
    found: dict[tuple[str, str], Counter[str]] = {}
    titles: dict[str, str] = {}
    for step in run["steps"]:
        if "[" not in step["path"] or not is_answer(step) or "by_rule" in step:
            continue
        place, output = in_workflow(step["path"]), step["output"]
        if not isinstance(output, Mapping):
            continue
        titles[place] = step["title"] or step["id"]
        for name, schema in choice_fields(answer_schema(run, step)).items():
            if name in output and len(schema.get("enum", ())) >= _CHOICES:
                found.setdefault((place, name), Counter())[str(output[name])] += 1
    for (place, name), values in found.items():
        [(value, count), *others] = values.most_common(2)
        if count >= _MANY and not others:
            yield (
                f'All {count} answers of "{titles[place]}" have the same {name}, {value}. Read some of them: a model '
                "that always gives the same answer may not be up to this task."
            )
