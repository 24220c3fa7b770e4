"""outside_compile: what following text from outside costs: checking a workflow with it beside checking it without.

The workflow has 200 steps: mails are searched, a loop goes through them, and all other steps take texts of the mails
and of each other and write them into issues. `more` has the same ratio for the largest workflow that is shipped. A
workflow is compiled with fields of other names in each round, so that no expression is known from an earlier one.
"""

from __future__ import annotations

import itertools
import json
import re
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.base.figures import beside
from engine.base.definitions import PromptDefinition
from engine.compiler import compiler
from engine.compiler.compiler import CompilerContext, compile_workflow
from engine.documents.json_file import parse
from engine.garbage import look_rarely

WORK = "outside_compile"
STEPS = 200
ROUNDS = 15
GOAL = 1.3
_ROOT = Path(__file__).parents[2]
_CONNECTIONS = {"gmail": "gmail", "github": "github", "notion": "notion", "llm": "openai"}
_rounds = itertools.count()


def measure() -> dict[str, Any]:
    """Return milliseconds of processor time."""
    look_rarely()  # as our processes do
    ours, limits = _in_turn(lambda: json.dumps(_workflow(f"v{next(_rounds)}")))
    shipped = max((_ROOT / "workflows").glob("*.json"), key=lambda path: path.stat().st_size)
    text = shipped.read_text(encoding="utf-8")
    checked, unchecked = _in_turn(lambda: re.sub(r"\bclassify\b(?!-)", f"classify{next(_rounds)}", text))
    more = {
        f"ratio, {shipped.stem}": statistics.median(checked) / statistics.median(unchecked),
        f"ms, {shipped.stem}": [statistics.median(checked), statistics.median(unchecked)],
    }
    return {**beside(ours, limits, GOAL, "ms"), "more": more}


def _in_turn(text: Callable[[], str]) -> tuple[list[float], list[float]]:
    """Return the milliseconds of checking a text; then those of checking it as if none of its steps took any text."""
    ours: list[float] = []
    limits: list[float] = []
    _milliseconds(text())
    for number in range(ROUNDS):
        for is_followed in (True, False) if number % 2 else (False, True):
            with nullcontext() if is_followed else patch.object(compiler, "takes_text", return_value=False):
                (ours if is_followed else limits).append(_milliseconds(text()))
    return ours, limits


def _milliseconds(text: str) -> float:
    file = parse(text, "workflows/many.json")
    started = time.thread_time()
    compiled = compile_workflow(file, "many", CompilerContext(_CONNECTIONS, _prompt))
    seconds = time.thread_time() - started
    assert compiled.plan is not None, compiled.problems[0]
    return 1000 * seconds


def _prompt(name: str) -> PromptDefinition:
    path = _ROOT / "prompts" / f"{name.partition('@')[0]}.json"
    read: PromptDefinition = json.loads(path.read_text(encoding="utf-8"))
    return read


def _workflow(field: str) -> dict[str, Any]:
    """Return a workflow in which three of four steps only compute, and the fourth writes an issue."""
    inner = [_step(number, field) for number in range(STEPS - 2)]
    search = {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox", "limit": 10}}
    loop = {
        "id": "each",
        "foreach": "{{ steps.mails.output.messages }}",
        "as": "mail",
        "key": "{{ mail.id }}",
        "steps": inner,
    }
    return {"schema_version": 1, "title": "Many", "steps": [search, loop]}


def _step(number: int, field: str) -> dict[str, Any]:
    name, before = f"s{number}", f"steps.s{number - 1}.output.{field}" if number % 4 else "mail.text"
    if number % 4 == 3:
        texts = {"title": f"{{{{ mail.subject }}}} {number}", "body": f"{{{{ {before} }}}}"}
        return {"id": name, "uses": "github.create_issue", "with": {"repository": "acme/app", **texts}}
    text = f"{{{{ {before} }}}} {{{{ mail.subject + '{number}' }}}} {{{{ size(mail.text) + {number} }}}}"
    return {"id": name, "uses": "flow.set", "with": {"values": {field: text}}}
