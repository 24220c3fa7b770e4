"""The compiled state of the agents' files: each is compiled again only if one of its sources has changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.agents.expansion import workflow_of
from engine.agents.store import CHECK_AGAIN, AgentStore, read_agent
from engine.base.errors import InvalidFile
from engine.base.problem import Problem
from engine.base.step_tree import agent_workflow
from engine.compiler.definition.environment import Compiled, CompilerContext
from engine.compiler.definition.plan import Plan
from engine.documents.json_file import JsonFile, JsonPath, parse
from engine.plugins.registry import tools_from
from engine.workflows.compiled_files import CompiledFiles, RecordedCompilerContext

_TOOL_STEP = re.compile(r"(?:use|told)_(?P<tool>.+)_\d+\Z")


class CompiledAgents:
    """Compiles the files of agents, and the texts that may become theirs. Thread-safe."""

    def __init__(
        self, store: AgentStore, compiler_context: Callable[[], CompilerContext], last_rename: Callable[[], str] = str
    ) -> None:
        self._shelf = store.shelf
        self._files = CompiledFiles(store.shelf, compiler_context, last_rename, _compiled)
        self.asked, self.forget_all_but = self._files.asked, self._files.forget_all_but

    def problems(self, name: str, text: str, asked: RecordedCompilerContext) -> list[Problem]:
        """Return what is wrong with the text of an agent, by place: its form, its tools, and the workflow it is."""
        checked = self._files.check(name, text, asked)
        if checked.document is None:
            return list(checked.problems)
        errors = [one for one in checked.problems if one.severity == "error"]
        placed = {one.message: one for one in _placed(parse(text, self._shelf.file(name)), errors)}
        return sorted(placed.values(), key=lambda one: (one.line, one.column))

    def plan(self, name: str, text: str) -> Plan:
        """Return the plan of the workflow that an agent is. Raises InvalidFile with every problem."""
        problems = self.problems(name, text, self.asked())
        if problems:
            raise InvalidFile.of(self._shelf.file(name), problems, remedy=CHECK_AGAIN)
        return self._files.plan(name, text)


def _compiled(file: JsonFile, name: str, around: CompilerContext) -> Compiled:
    from engine.compiler.compiler import compile_workflow  # few commands compile

    with tools_from(around.tools):  # so that a tool that changes, or is made, is noticed
        text = json.dumps(workflow_of(name, read_agent(file)), ensure_ascii=False, indent=2)
    return compile_workflow(parse(text, file.file), agent_workflow(name), around)


def _placed(file: JsonFile, found: list[Problem]) -> Iterator[Problem]:
    """Yield problems of the workflow that an agent is, at the places of the agent's file; each turn repeats them."""
    for one in found:
        path = _path(file, one)
        line, column = file.place(path)
        field = ".".join(map(str, path)) or None
        yield replace(one, line=line, column=column, step=None, field=field)


def _path(file: JsonFile, one: Problem) -> JsonPath:
    """Return the part of the agent's file that a step of its workflow comes from."""
    fields = tuple(int(part) if part.isdigit() else part for part in (one.field or "").split(".") if part)
    match = _TOOL_STEP.match(one.step or "")
    if match is None:
        return fields[:1] if fields[:1] and fields[0] in file.value else ()
    names = [tool["name"] for tool in file.value["tools"]]
    if match["tool"] not in names:
        return ("tools",)
    index = names.index(match["tool"])
    is_given = fields[:1] == ("with",) and fields[1:2] and fields[1] not in file.value["tools"][index].get("with", {})
    return ("tools", index, "give") if is_given else ("tools", index, *fields)
