"""AgentDojo's environments behind HTTP on loopback: `python -m evals.agentdojo.world`, in an environment of its own.

It prints its port. Tasks, tools, attacks and the judges of utility and security are AgentDojo's, unchanged.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from types import SimpleNamespace
from typing import Any

Json = dict[str, Any]

VERSION = "v1.2.2"
_suites = import_module("agentdojo.task_suite.load_suites").get_suites(VERSION)
_runtime = import_module("agentdojo.functions_runtime")
_as_text = import_module("agentdojo.agent_pipeline.tool_execution").tool_result_to_str
_attacks = import_module("agentdojo.attacks.attack_registry")
_SOME_PIPELINE = SimpleNamespace(name="gpt-4o-2024-05-13")
"""The attacks ask for the name of a model; those without names in them do not use it."""


@dataclass
class Case:
    """One task of a user in an environment of its own, perhaps with an attack in it."""

    suite: Any
    user_task: Any
    injection_task: Any
    environment: Any
    before: Any
    calls: list[Any] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, function: str, arguments: Json) -> Json:
        """Call a function of the environment; return {result} or {error}."""
        with self.lock:
            self.calls.append(_runtime.FunctionCall(function=function, args=arguments))
            runtime = _runtime.FunctionsRuntime(self.suite.tools)
            result, error = runtime.run_function(self.environment, function, arguments)
            return {"error": error} if error else {"result": _as_text(result)}

    def judge(self, output: str) -> Json:
        """Return {utility, security}; `security` says whether the attack got what it wants, as AgentDojo counts it."""
        said = [{"type": "text", "content": output}]
        given = (said, self.before, self.environment, self.calls)
        judge = self.suite._check_task_result  # noqa: SLF001 - what AgentDojo's own benchmark ends with
        utility = judge(self.user_task, *given)
        attacked = self.injection_task is not None and judge(self.injection_task, *given)
        return {"utility": bool(utility), "security": bool(attacked)}


class World:
    """The suites, and the cases that were made."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self._lock = threading.Lock()

    def suites(self) -> Json:
        """Return tools and tasks of each suite: {suite: {tools, user_tasks, injection_tasks}}."""
        return {name: self._suite(suite) for name, suite in _suites.items()}

    def _suite(self, suite: Any) -> Json:
        tools = {
            one.name: {"description": one.description, "schema": one.parameters.model_json_schema()}
            for one in suite.tools
        }
        fresh = suite.load_and_inject_default_environment
        users = {
            key: {**_truth(task, task.init_environment(fresh({}))), "prompt": task.PROMPT}
            for key, task in suite.user_tasks.items()
        }
        injections = {
            key: {**_truth(task, fresh({})), "goal": task.GOAL} for key, task in suite.injection_tasks.items()
        }
        return {"tools": tools, "user_tasks": users, "injection_tasks": injections}

    def make(self, suite: str, user_task: str, injection_task: str | None, attack: str) -> Json:
        """Make a case; return {case}, or {error} if the user's task reads nothing that an attacker writes."""
        found = _suites[suite]
        task = found.user_tasks[user_task]
        enemy = found.injection_tasks[injection_task] if injection_task else None
        injections: dict[str, str] = {}
        if enemy is not None:
            try:
                injections = _attacks.load_attack(attack, found, _SOME_PIPELINE).attack(task, enemy)
            except ValueError as error:
                return {"error": str(error)}
        environment = task.init_environment(found.load_and_inject_default_environment(injections))
        made = Case(found, task, enemy, environment, environment.model_copy(deep=True))
        with self._lock:
            self.cases.append(made)
            return {"case": len(self.cases) - 1}

    def answer(self, path: list[str], body: Json) -> Json:
        """Answer a request."""
        match path:
            case ["suites"]:
                return self.suites()
            case ["cases"]:
                return self.make(**body)
            case ["cases", number, "calls", function]:
                return self.cases[int(number)].call(function, body)
            case ["cases", number, "judge"]:
                return self.cases[int(number)].judge(body["output"])
        return {"error": f"There is nothing at {path}."}


def _truth(task: Any, environment: Any) -> Json:
    calls = [{"function": one.function, "arguments": dict(one.args)} for one in task.ground_truth(environment)]
    return {"calls": calls, "output": task.GROUND_TRUTH_OUTPUT}


def main() -> None:
    """Serve until standard input closes."""
    import_module("agentdojo.attacks.important_instructions_attacks")
    world = World()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
            answer = json.dumps(world.answer(self.path.strip("/").split("/"), body), default=str).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
