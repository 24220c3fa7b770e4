"""`make builder-eval`: HumanEval's 164 problems, solved by the agent `software-builder` and judged in the sandbox.

Without `--model`, a scripted model writes the solutions of HumanEval's authors, and then, for control, functions that
do nothing: the first must all pass, the second must all fail. It needs no key, and its figures say that the sandbox and
the tests judge right, not how clever a model is. `--model NAME --base-url URL` with the key in MODEL_KEY asks a real
one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.sandbox.walls import walls
from engine.workflows.new_workspace import init
from evals.humaneval.model import running
from evals.humaneval.problems import COMMAND, ROOT, Problem, package_file, problems

RESULTS = ROOT / "evals" / "humaneval.json"
OWNER = Principal("evaluation", "owner", confirmed=True)
RIGHT, WRONG = "solutions of the authors", "functions that do nothing"
_PATIENCE_SECONDS = 900.0
_SIDE_BY_SIDE = 2
_TASK = """Problem {id}: complete the function `{function}`. Write the whole file solution.py, which begins so:

{prompt}"""


@dataclass(frozen=True)
class Result:
    """What came of a problem."""

    problem: str
    passed: bool
    """Whether `main` of its project has a commit that passes the tests."""
    turns: int
    stopped_by: str
    error: str


def workflow() -> dict[str, Any]:
    """Return the workflow `build-software` without its plan: the tests are HumanEval's."""
    on = {"project": "{{ inputs.project }}", "branch": "{{ run.id }}"}
    text = {"type": "string"}
    variables = {**on, "command": COMMAND}
    files = [{"path": "test_solution.py", "text": "{{ inputs.test }}"}]
    steps: Sequence[tuple[str, str, Mapping[str, Any]]] = (
        ("start", "project.start", on),
        ("tests", "project.protect", {**on, "files": files}),
        ("build", "agent.run", {"agent": "software-builder", "task": "{{ inputs.task }}", "variables": variables}),
        ("check", "project.test", {**on, "command": COMMAND}),
        ("finish", "project.finish", on),
    )
    names = ("project", "task", "test")
    return {
        "schema_version": 1,
        "inputs": {"type": "object", "properties": dict.fromkeys(names, text), "required": [*names]},
        "steps": [{"id": id_, "uses": uses, "with": fields} for id_, uses, fields in steps],
        "outputs": {
            "passed": "{{ steps.finish.output.is_finished && steps.check.output.passed }}",
            "turns": "{{ steps.build.output.turns }}",
            "stopped_by": "{{ steps.build.output.stopped_by }}",
        },
    }


@contextmanager
def opened(llm: Mapping[str, Any]) -> Iterator[Orchestra]:
    """Open a workspace of its own, whose agent asks the model of this connection."""
    with tempfile.TemporaryDirectory(prefix="orchestra-humaneval-") as folder:
        root = Path(folder)
        init(root)
        settings = {"connections": {"llm": dict(llm)}, "approvals": {"default": "never"}}
        (root / "config.yaml").write_text(json.dumps(settings))
        (root / ".env").write_text(f"MODEL_KEY={os.environ.get('MODEL_KEY', 'none')}\n")
        with closing(Orchestra.open(root)) as orchestra:
            orchestra.agents.create(OWNER, "software-builder", sample="software-builder")
            (root / "workflows" / "humaneval.json").write_text(json.dumps(workflow()))
            yield orchestra


def solved(orchestra: Orchestra, problem: Problem) -> Result:
    """Let the agent solve a problem."""
    task = _TASK.format(id=problem.id, function=problem.function, prompt=problem.prompt)
    name = problem.id.lower().replace("/", "-")
    run_id = orchestra.runs.start(OWNER, "humaneval", {"project": name, "task": task, "test": problem.test_file})
    run = orchestra.runs.wait(OWNER, run_id, _PATIENCE_SECONDS)
    outputs, error = run["outputs"] or {}, run["error"]
    is_done = run["status"] == "succeeded"
    return Result(
        problem.id,
        bool(is_done and outputs["passed"]),
        int(outputs.get("turns", 0)),
        str(outputs.get("stopped_by", run["status"])),
        "" if error is None else str(error["message"]),
    )


def measured(chosen: Sequence[Problem], options: argparse.Namespace, texts: Mapping[str, str]) -> list[Result]:
    """Solve problems, two side by side; with texts, the scripted model writes them."""
    with ExitStack() as stack:
        base_url = stack.enter_context(running(texts) if texts else nullcontext(options.base_url))
        server = {"service": "openai", "api_key": "env:MODEL_KEY", "base_url": base_url}
        return by_connection(chosen, {**server, "model": options.model or "scripted"})


def by_connection(chosen: Sequence[Problem], llm: Mapping[str, Any]) -> list[Result]:
    """Let the model of a connection solve problems, two side by side."""
    with opened(llm) as orchestra, ThreadPoolExecutor(_SIDE_BY_SIDE) as lanes:
        return [*lanes.map(lambda one: solved(orchestra, one), chosen)]


def asked() -> argparse.Namespace:
    """Return the options; the program ends if it cannot do what they ask."""
    parser = argparse.ArgumentParser(prog="python -m evals.humaneval", description=__doc__)
    parser.add_argument("--model", default="", help="name of a real model; default: the scripted one")
    parser.add_argument("--base-url", default="https://api.openai.com/v1", help="its server, in OpenAI's form")
    parser.add_argument("--data", type=Path, help="HumanEval.jsonl or HumanEval.jsonl.gz; default: the package's")
    parser.add_argument("--only", nargs="+", default=(), metavar="ID", help="some problems, such as HumanEval/32")
    options = parser.parse_args()
    options.data = options.data or package_file()
    if options.data is None or not options.data.is_file():
        sys.exit("The problems are missing: run `make builder-eval`, or name the published file with --data.")
    if walls() is None:
        sys.exit("bubblewrap does not work here: `orchestra doctor` says why. The solutions are run only in it.")
    return options


def main() -> None:
    """Measure, print and save."""
    options = asked()
    chosen = [one for one in problems(options.data) if not options.only or one.id in options.only]
    scripts = {RIGHT: {one.id: one.right for one in chosen}, WRONG: {one.id: one.wrong for one in chosen}}
    plays: Mapping[str, Mapping[str, str]] = {options.model: {}} if options.model else scripts
    saved, odd = dict[str, Any](), 0
    for name, texts in plays.items():
        began = time.monotonic()
        results = measured(chosen, options, texts)
        passed = sum(one.passed for one in results)
        print(f"{name}: {passed} of {len(results)} pass, {time.monotonic() - began:.0f} s", flush=True)
        for one in results:
            if one.passed is (name == WRONG):
                odd += name in scripts
                print(f"  {one.problem}: {one.error or one.stopped_by}")
        saved[name] = [asdict(one) for one in results]
        RESULTS.write_text(json.dumps(saved, indent=2) + "\n", encoding="utf-8")
    print(f"Each problem is in {RESULTS}.")
    sys.exit(1 if odd else 0)


if __name__ == "__main__":
    main()
