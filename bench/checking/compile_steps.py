"""compile: checking a workflow of 5,000 steps beside one of 100: the time of a step must not grow with their number.

Both are ours, measured in turn; `limit` is the workflow with 100 steps. Each step names the one before it and has an
expression that no other step has. Fields and numbers differ from round to round, so that no expression is known from
an earlier one. Garbage is collected as in our processes. `more` has milliseconds per step of other sizes, of steps in
keyed loops of ten, and the most memory, in KiB per step, that Python's objects take during the check.
"""

from __future__ import annotations

import itertools
import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from bench.base.figures import ROUNDS, beside
from engine.base.definitions import PromptDefinition
from engine.base.errors import UnknownName
from engine.compiler.compiler import CompilerContext, compile_workflow
from engine.documents.json_file import parse
from engine.garbage import look_rarely

WORK = "compile"
FEW, MANY = 100, 5_000
SIZES = (100, 500, 1_000, 2_000, 5_000)
IN_A_LOOP = 9
GOAL = 1.3
_rounds = itertools.count()


def measure() -> dict[str, Any]:
    """Return milliseconds per step."""
    look_rarely()
    milliseconds(flat, FEW)
    ours, limits = [], []
    for _ in range(ROUNDS):
        limits.append(milliseconds(flat, FEW))
        ours.append(milliseconds(flat, MANY))
    more = {
        "ms per step, flat": [milliseconds(flat, steps) for steps in SIZES],
        "ms per step, in keyed loops": [milliseconds(looped, steps) for steps in SIZES],
        "KiB per step, flat": [kibibytes(flat, steps) for steps in (FEW, 2_000)],
        "KiB per step, in keyed loops": [kibibytes(looped, steps) for steps in (FEW, 2_000)],
    }
    return {**beside(ours, limits, GOAL, "ms/step"), "more": more}


def milliseconds(workflow: Callable[[int, str], dict[str, Any]], steps: int) -> float:
    """Return the processor time of checking a workflow of that many steps, per step."""
    file = parse(json.dumps(workflow(steps, f"v{next(_rounds)}")), "workflows/many.json")
    started = time.thread_time()
    compiled = compile_workflow(file, "many", CompilerContext({}, _no_prompt))
    seconds = time.thread_time() - started
    assert compiled.plan is not None, compiled.problems[0]
    return 1000 * seconds / steps


def kibibytes(workflow: Callable[[int, str], dict[str, Any]], steps: int) -> float:
    """Return the most memory that the check takes at once, per step."""
    tracemalloc.start()
    try:
        milliseconds(workflow, steps)
        return tracemalloc.get_traced_memory()[1] / 1024 / steps
    finally:
        tracemalloc.stop()


def flat(steps: int, field: str) -> dict[str, Any]:
    """Return a workflow of steps in a row."""
    texts = [f"{{{{ inputs.text }}}} {{{{ size(inputs.text) + {_own(field, number)} }}}}" for number in range(steps)]
    for number in range(1, steps):
        texts[number] = texts[number].replace("inputs.text", f"steps.s{number - 1}.output.{field}", 1)
    return _workflow([_set(f"s{number}", field, text) for number, text in enumerate(texts)])


def looped(steps: int, field: str) -> dict[str, Any]:
    """Return a workflow of loops with keys, one after the other."""
    return _workflow([_loop(f"l{number}", field) for number in range(steps // (1 + IN_A_LOOP))])


def _loop(name: str, field: str) -> dict[str, Any]:
    numbers = [_own(field, number) for number in range(IN_A_LOOP)]
    texts = [f"{{{{ item.name }}}} {{{{ size(key) + index + {number} }}}} {name}" for number in numbers]
    inner = [_set(f"{name}_{number}", field, text) for number, text in enumerate(texts)]
    found = f"{{{{ steps.{name}_{IN_A_LOOP - 1}.output.{field} }}}}"
    return {"id": name, "foreach": "{{ inputs.items }}", "key": "{{ item.name }}", "steps": inner, "output": found}


def _own(field: str, number: int) -> int:
    """Return a number that no other round has."""
    return int(field[1:]) * MANY + number


def _set(name: str, field: str, text: str) -> dict[str, Any]:
    return {"id": name, "uses": "flow.set", "with": {"values": {field: text}}}


def _workflow(steps: list[dict[str, Any]]) -> dict[str, Any]:
    item = {"type": "object", "properties": {"name": {"type": "string"}}}
    inputs = {"text": {"type": "string"}, "items": {"type": "array", "items": item}}
    return {
        "schema_version": 1,
        "title": "Many",
        "inputs": {"type": "object", "properties": inputs},
        "steps": steps,
        "outputs": {"last": f"{{{{ steps.{steps[-1]['id']}.output }}}}"},
    }


def _no_prompt(name: str) -> PromptDefinition:
    raise UnknownName("prompt", name, [])
