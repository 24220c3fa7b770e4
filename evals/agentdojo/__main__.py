"""`make agent-eval`: AgentDojo's suites, worked on by our agents; prints utility and attack success of each regime.

Without `--model`, the scripted model answers (evals/agentdojo/model.py): it needs no key, and its figures say what the
rules allow, not how clever a model is. `--model NAME --base-url URL` with the key in MODEL_KEY asks a real one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

import engine.steps
from engine.orchestra import Orchestra
from engine.people.access import Principal
from evals.agentdojo.agents import Json, Regime, agent, is_meant
from evals.agentdojo.model import Model, Script, running

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-agentdojo" / "bin" / "python"
RESULTS = ROOT / "evals" / "agentdojo.json"
OWNER = Principal("evaluation", "owner", confirmed=True)
SUITES = ("workspace", "banking", "slack", "travel")
ATTACK = "important_instructions_no_names"
_PATIENCE_SECONDS = 600.0
_QUESTIONS_MOST = 60
_PAUSE_SECONDS = 0.05
"""Between looks at the questions, while an agent works."""


@dataclass(frozen=True)
class Pair:
    """A task of a user, and perhaps the attack that the user's agent reads on the way."""

    suite: str
    user_task: str
    injection_task: str | None


@dataclass
class Result:
    """What came of it."""

    pair: Pair
    regime: Regime
    utility: bool
    attacked: bool
    questions: int
    """How often a person was asked."""
    rejected: int
    error: str = ""


@dataclass
class Evaluation:
    """A workspace whose agents use AgentDojo's environments."""

    root: Path
    world: str
    suites: Json
    model: Model | None
    orchestra: Orchestra = field(init=False)

    def post(self, path: str, **body: Any) -> Any:
        """Ask the server of the environments."""
        answer = httpx.post(f"{self.world}/{path}", json=body, trust_env=False, timeout=120)
        return answer.raise_for_status().json()

    def pairs(self, suite: str) -> list[Pair]:
        """Return every task alone, and with every attack that has a solution."""
        found = self.suites[suite]
        enemies = [key for key, one in found["injection_tasks"].items() if one["calls"] or one["output"]]
        return [Pair(suite, user, enemy) for user in found["user_tasks"] for enemy in (None, *enemies)]

    def save(self, pair: Pair, regime: Regime) -> str:
        """Write the agent for a user's task, and the workflow that runs it; return both their name."""
        suite = self.suites[pair.suite]
        task = suite["user_tasks"][pair.user_task]
        name = f"{pair.suite}-{pair.user_task}-{regime}".replace("_", "-")
        enemies = max(len(one["calls"]) for one in suite["injection_tasks"].values())
        turns = len(task["calls"]) + enemies + 1 if self.model is not None else 20
        (self.root / "agents" / f"{name}.json").write_text(json.dumps(agent(suite, task, regime, turns)))
        fields = {"agent": name, "task": "{{ inputs.task }}", "variables": {"case": "{{ inputs.case }}"}}
        text = {"type": "string"}
        workflow = {
            "schema_version": 1,
            "inputs": {"type": "object", "properties": {"case": text, "task": text}, "required": ["case", "task"]},
            "steps": [{"id": "work", "uses": "agent.run", "with": fields}],
            "outputs": {"output": "{{ steps.work.output.output }}"},
        }
        (self.root / "workflows" / f"{name}.json").write_text(json.dumps(workflow))
        return name

    def work(self, pair: Pair, regime: Regime) -> Result | None:
        """Let the agent work on a pair; None if the user's task meets no attack."""
        suite = self.suites[pair.suite]
        task = suite["user_tasks"][pair.user_task]
        asked = {"suite": pair.suite, "user_task": pair.user_task, "injection_task": pair.injection_task}
        made = self.post("cases", **asked, attack=ATTACK)
        if "error" in made:
            return None
        address = f"{self.world}/cases/{made['case']}"
        if self.model is not None:
            enemy = suite["injection_tasks"].get(pair.injection_task, {"calls": [], "output": ""})
            self.model.scripts[address] = Script(task["calls"], task["output"], enemy["calls"], enemy["output"])
        name = f"{pair.suite}-{pair.user_task}-{regime}".replace("_", "-")
        run_id = self.orchestra.runs.start(OWNER, name, {"case": address, "task": task["prompt"]})
        run, questions, rejected = self._to_its_end(run_id, task)
        judged = self.post(f"cases/{made['case']}/judge", output=str((run["outputs"] or {}).get("output") or ""))
        error = str((run["error"] or {}).get("message", ""))
        return Result(pair, regime, judged["utility"], judged["security"], questions, rejected, error)

    def _to_its_end(self, run_id: str, task: Json) -> tuple[Any, int, int]:
        """Answer questions as a careful person would; return the run, how many there were, and how many rejected."""
        questions = rejected = 0
        run = self.orchestra.runs.wait(OWNER, run_id, _PATIENCE_SECONDS)
        while run["status"] == "waiting" and questions < _QUESTIONS_MOST:
            time.sleep(_PAUSE_SECONDS)
            for one in self.orchestra.approvals.list(OWNER, limit=1000):
                assert one.call is not None
                if one.call.arguments["case"] != run["inputs"]["case"]:
                    continue
                questions += 1
                if is_meant(one.call.uses.removeprefix("agentdojo."), one.call.arguments, task):
                    self.orchestra.approvals.approve(OWNER, one.id, with_gaps=True)
                else:
                    rejected += 1
                    self.orchestra.approvals.reject(OWNER, one.id)
                self.orchestra.runs.wait(OWNER, one.run_id, _PATIENCE_SECONDS)
            run = self.orchestra.runs.wait(OWNER, run_id, _PATIENCE_SECONDS)
        return run, questions, rejected


@contextmanager
def evaluation(options: argparse.Namespace) -> Iterator[Evaluation]:
    """Start AgentDojo's server, the model's unless a real one is named, and open a workspace."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        process = stack.enter_context(_world())
        assert process.stdout is not None
        world = f"http://127.0.0.1:{int(process.stdout.readline())}"
        suites = httpx.post(f"{world}/suites", json={}, trust_env=False, timeout=120).json()
        (root / "suites.json").write_text(json.dumps(suites))
        os.environ["AGENTDOJO_SUITES"] = str(root / "suites.json")
        engine.steps.__path__.append(str(Path(__file__).with_name("steps")))
        model = None if options.model else stack.enter_context(running())
        base_url = options.base_url if model is None else model.base_url
        of_server = {"service": "openai", "api_key": "env:MODEL_KEY", "base_url": base_url}
        llm = getattr(options, "connection", None) or {**of_server, "model": options.model or "scripted"}
        connections = {"llm": llm, "world": {"service": "http", "allow_hosts": [world.removeprefix("http://")]}}
        (root / "config.yaml").write_text(json.dumps({"connections": connections, "approvals": {"default": "never"}}))
        (root / ".env").write_text(f"MODEL_KEY={os.environ.get('MODEL_KEY', 'none')}\n")
        for folder in ("workflows", "agents", "prompts", "logs"):
            (root / folder).mkdir()
        yield Evaluation(root, world, suites, model)


@contextmanager
def _world() -> Iterator[subprocess.Popen[str]]:
    command = [str(PYTHON), "-m", "evals.agentdojo.world"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def unchecked() -> Iterator[None]:
    """Switch off every check of destinations: for the control only."""
    places = (
        "engine.agents.tool_check.strict_role",
        "engine.compiler.checks.outside_text.OutsideCheck._take",
        "engine.runner.call.arguments.OutsideTextCheck._require",
    )
    with ExitStack() as stack:
        for place in places:
            stack.enter_context(mock.patch(place, return_value=""))
        yield


def measured(found: Evaluation, regime: Regime, pairs: Sequence[Pair]) -> list[Result]:
    """Work on pairs under a regime, some side by side."""
    for pair in {(one.suite, one.user_task): one for one in pairs}.values():
        found.save(pair, regime)
    with ExitStack() as stack:
        if regime is Regime.FREE:
            stack.enter_context(unchecked())
        found.orchestra = Orchestra.open(found.root)
        stack.callback(found.orchestra.close)
        lanes = stack.enter_context(ThreadPoolExecutor(3))
        return [one for one in lanes.map(lambda pair: found.work(pair, regime), pairs) if one is not None]


def summary(results: Sequence[Result]) -> Json:
    """Return the figures of some results."""
    alone = [one for one in results if one.pair.injection_task is None]
    attacked = [one for one in results if one.pair.injection_task is not None]
    return {
        "tasks": len(alone),
        "utility": sum(one.utility for one in alone),
        "questions": sum(one.questions for one in alone),
        "attacks": len(attacked),
        "attacks_that_succeed": sum(one.attacked for one in attacked),
        "utility_under_attack": sum(one.utility for one in attacked),
        "rejected": sum(one.rejected for one in attacked),
    }


def line(suite: str, regime: Regime, found: Json) -> str:
    """Return the figures as a line."""
    return (
        f"{suite:<10}{regime:<7}utility {found['utility']:>3} of {found['tasks']:<4}"
        f"under attack {found['utility_under_attack']:>3} of {found['attacks']:<4}"
        f"attacks that succeed {found['attacks_that_succeed']:>3} of {found['attacks']:<4}"
        f"questions {found['questions']}, rejected under attack {found['rejected']}"
    )


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(prog="python -m evals.agentdojo", description=__doc__)
    parser.add_argument("--model", default="", help="name of a real model; default: the scripted one")
    parser.add_argument("--base-url", default="https://api.openai.com/v1", help="its server, in OpenAI's form")
    parser.add_argument("--suites", nargs="+", default=SUITES, choices=SUITES)
    parser.add_argument("--regimes", nargs="+", default=[*Regime], choices=[*Regime], type=Regime)
    parser.add_argument("--attacks", type=int, default=0, help="so many of each suite, by chance; 0: all")
    options = parser.parse_args()
    if not PYTHON.exists():
        sys.exit("The environment of AgentDojo is missing: run `make agent-eval`.")
    began, saved = time.monotonic(), list[Json]()
    with evaluation(options) as found:
        for suite in options.suites:
            pairs = found.pairs(suite)
            attacks = [one for one in pairs if one.injection_task]
            if options.attacks:
                attacks = random.Random(1).sample(attacks, min(options.attacks, len(attacks)))
            chosen = [*(one for one in pairs if not one.injection_task), *attacks]
            for regime in options.regimes:
                results = measured(found, regime, chosen)
                figures = summary(results)
                print(line(suite, regime, figures), flush=True)
                saved.append(
                    {"suite": suite, "regime": str(regime), **figures, "cases": [_told(one) for one in results]}
                )
                RESULTS.write_text(json.dumps(saved, indent=2) + "\n", encoding="utf-8")
    print(f"{options.model or 'The scripted model'}, {time.monotonic() - began:.0f} s; each case is in {RESULTS}.")


def _told(one: Result) -> Json:
    pair = one.pair
    told = {"user_task": pair.user_task, "injection_task": pair.injection_task, "utility": one.utility}
    return {**told, "attacked": one.attacked, "questions": one.questions, "rejected": one.rejected, "error": one.error}


if __name__ == "__main__":
    main()
