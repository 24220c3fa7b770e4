"""The matrix of a prompt: 50 cases with 4 models, 16 questions at once, each answered by a model after 200 ms.

The limit is the time that the model takes by itself: 200 answers, 16 at a time. Ours includes the recorded answers,
each on disk before the next question, and the kept test. The second time, nothing is asked.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from typing import Any

from bench.base.figures import ROUNDS, beside
from bench.base.opened import opened
from bench.base.slow_service import serving
from bench.base.workspace import OWNER
from engine.orchestra import Orchestra
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import MatrixRequest

WORK = "matrix"
CASES, MODELS, AT_ONCE, SECONDS = 50, 4, 16, 0.2
IDEAL = CASES * MODELS * SECONDS / AT_ONCE
GOAL = 1.3
_NAME, _KEY = "sort", "BENCH_MATRIX_KEY"
_SCHEMA = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "enum": ["bug", "task"]}}}
_PROMPT = {
    "schema_version": 1,
    "variables": {"text": {"type": "string"}},
    "messages": [{"role": "system", "content": "Sort the mail."}, {"role": "user", "content": "{{ text }}"}],
    "output_schema": _SCHEMA,
}
_ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_760_000_000,
    "model": "slow",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": '{"kind": "bug"}'}},
    ],
    "usage": {"prompt_tokens": 400, "completion_tokens": 8, "total_tokens": 408},
}


def measure() -> dict[str, Any]:
    """Return seconds."""
    os.environ[_KEY] = "no secret"
    with serving(SECONDS, json.dumps(_ANSWER)) as port, opened({}, _config(port)) as (orchestra, _):
        _prepare(orchestra)
        _tested(orchestra, asked=CASES * MODELS)  # the first one also opens the connections
        ours = [_tested(orchestra, asked=CASES * MODELS, is_fresh=True) for _ in range(ROUNDS)]
        again = [_tested(orchestra, asked=0) for _ in range(ROUNDS)]
    return {**beside(ours, [IDEAL], GOAL, "s"), "more": {"the second time, ms": statistics.median(again) * 1000}}


def _config(port: int) -> str:
    base = f"http://127.0.0.1:{port}/v1"
    llm = f"connections:\n  llm:\n    service: openai\n    base_url: {base}\n    api_key: env:{_KEY}\n"
    return f"{llm}limits:\n  calls_at_once: {AT_ONCE}\n"


def _prepare(orchestra: Orchestra) -> None:
    """Write the prompt and its cases, each with a mail of a few lines."""
    orchestra.prompts.save(OWNER, _NAME, json.dumps(_PROMPT), None)
    expected = [{"type": "field_equals", "field": "kind", "value": "bug"}]
    for number in range(CASES):
        text = f"Mail {number}. " + "The export crashes with an error. " * 40
        document = {"name": f"Case {number}", "variables": {"text": text}, "assertions": expected}
        orchestra.cases.add(OWNER, _NAME, document)


def _tested(orchestra: Orchestra, *, asked: int, is_fresh: bool = False) -> float:
    columns = [TriedColumn(is_draft=True, model=f"model-{number}") for number in range(MODELS)]
    wish = MatrixRequest(columns, concurrency=AT_ONCE, is_fresh=is_fresh)
    began = time.perf_counter()
    begun = orchestra.case_tests.start(OWNER, _NAME, wish)
    matrix = orchestra.case_tests.wait(OWNER, _NAME, 120, begun["id"])
    seconds = time.perf_counter() - began
    assert matrix["asked"] == asked, matrix["asked"]
    assert [one["passed"] for one in matrix["columns"]] == [CASES] * MODELS, matrix["columns"][0]["summary"]
    return seconds
