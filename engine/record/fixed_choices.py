"""Answers of models among fixed choices: which fields have them, and whether a model always makes the same choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from engine.base.statuses import StepStatus
from engine.base.step_path import in_workflow
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

_MANY = 20
"""Answers from which on it is no chance that all are the same."""
_CHOICES = 3
"""Of two choices, such as urgent or not, one is often right for all."""


def is_of_model(step: StepRecord) -> bool:
    """Return whether a step asks a model."""
    return str(step["uses"] or "").startswith("llm.")


def answer_schema(run: Run, step: StepRecord) -> Any:
    """Return the JSON Schema that a model step gave for its answer, as the run recorded it; None without one."""
    arguments = step["arguments"] or {}
    prompts = run["definition"].get("prompts") or {}
    return arguments.get("schema") or (prompts.get(str(arguments.get("prompt"))) or {}).get("output_schema")


def choices_of(schema: Any) -> dict[str, Mapping[str, Any]]:
    """Return the schemas of the fields with fixed choices, enums and booleans, by name."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    known = properties.items() if isinstance(properties, Mapping) else ()
    return {name: one for name, one in known if isinstance(one, Mapping) and _is_fixed(one)}


def _is_fixed(schema: Mapping[str, Any]) -> bool:
    return isinstance(schema.get("enum"), list) or schema.get("type") == "boolean"


def same_choice_sentences(run: Run) -> Iterator[str]:
    """Say which steps have asked a model for many items and always got the same choice: it may not be able to do it."""
    found: dict[tuple[str, str], Counter[str]] = {}
    titles: dict[str, str] = {}
    for step in run["steps"]:
        if "[" not in step["path"] or not is_of_model(step) or not _is_answer(step):
            continue
        place, output = in_workflow(step["path"]), step["output"]
        titles[place] = step["title"] or step["id"]
        for name, schema in choices_of(answer_schema(run, step)).items():
            if name in output and len(schema.get("enum", ())) >= _CHOICES:
                found.setdefault((place, name), Counter())[str(output[name])] += 1
    for (place, name), values in found.items():
        [(value, count), *others] = values.most_common(2)
        if count >= _MANY and not others:
            yield (
                f'All {count} answers of "{titles[place]}" have the same {name}, {value}. Read some of them: a model '
                "that always says the same may not be able to do this."
            )


def _is_answer(step: StepRecord) -> bool:
    """Return whether a model has answered, and no rule or value of the workflow in its place."""
    is_asked = step["status"] == StepStatus.SUCCEEDED and not step.get("fallback") and not step.get("by_rule")
    return is_asked and "planned" not in step and isinstance(step["output"], Mapping)
