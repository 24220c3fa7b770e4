"""Compiled definitions, cached by hash: a run just accepted is not compiled a second time."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping

from typing_extensions import ReadOnly, TypedDict

from engine.base.definitions import RunDefinition
from engine.base.errors import InvalidFile
from engine.base.names import file_stem
from engine.compiler.definition.environment import CompilerContext, Environment
from engine.compiler.definition.plan import Plan
from engine.documents.json_file import parse
from engine.workflows.recent import Recent

_MOST = 128
_MOST_BYTES = 500_000
"""How large the definitions of the kept plans may be together."""
_Key = tuple[str, frozenset[tuple[str, str]]]


class Defined(TypedDict):
    """What a plan is compiled from: the acceptance of a run, or this part of one."""

    workflow: ReadOnly[str]
    workflow_hash: ReadOnly[str]
    definition: ReadOnly[RunDefinition]
    connections: ReadOnly[Mapping[str, str]]


class PlanCache:
    """The plans of the definitions that runs were accepted with. Thread-safe."""

    def __init__(self) -> None:
        self._plans: Recent[_Key, Plan] = Recent(_MOST, _MOST_BYTES)
        self._lock = threading.Lock()

    def keep(self, acceptance: Defined, plan: Plan) -> None:
        """Remember the plan that a run was accepted with."""
        with self._lock:
            self._plans.keep(_key(acceptance), plan, plan.definition_bytes)

    def plan(self, acceptance: Defined) -> Plan:
        """Return the plan of the definition that a run was accepted with. Raises InvalidFile."""
        with self._lock:
            known = self._plans.get(_key(acceptance))
        if known is None:
            known = _compiled(acceptance)
            self.keep(acceptance, known)
        return known

    def called(self, acceptance: Defined, name: str) -> Plan:
        """Return the plan of a workflow called by this run's definition, as recorded in it. Raises InvalidFile."""
        definition = acceptance["definition"]
        if name == acceptance["workflow"]:
            return self.plan(acceptance)
        inner: RunDefinition = {**definition, "workflow": definition["workflows"][name]}
        called_hash = f"{acceptance['workflow_hash']}/{name}"
        return self.plan({**acceptance, "workflow": name, "workflow_hash": called_hash, "definition": inner})


def _key(acceptance: Defined) -> _Key:
    """Return the hash of the definition, and the connections that its steps can use."""
    return acceptance["workflow_hash"], frozenset(acceptance["connections"].items())


def _compiled(acceptance: Defined) -> Plan:
    from engine.compiler.compiler import compile_workflow

    name = acceptance["workflow"]
    definition = acceptance["definition"]
    file = parse(json.dumps(definition["workflow"], ensure_ascii=False, indent=2), f"workflows/{file_stem(name)}.json")
    workflows = definition.get("workflows", {})
    tools = definition.get("tools", {})
    kept = definition.get("environment")
    around = CompilerContext(
        acceptance["connections"],
        lambda reference: definition["prompts"][reference],
        lambda called: workflows[called],
        environment=None if kept is None else Environment.of_run(kept),
        tools=lambda reference: tools[reference],
    )
    compiled = compile_workflow(file, name, around)
    if compiled.accepted is None:
        raise InvalidFile.of(file.file, compiled.problems)
    return compiled.accepted
