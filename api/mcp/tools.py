"""The tools that a workspace offers: one for each workflow that says `"expose": true`, and `run_status`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from mcp import types
from mcp.shared.exceptions import MCPError
from typing_extensions import ReadOnly, TypedDict

from api.base.awaiting import awaited
from api.mcp.outputs import shown
from clients.errors import ServiceError
from engine.base.errors import InvalidFile, InvalidInput, OrchestraError, UnknownName
from engine.base.json_text import JsonObject, compact
from engine.base.statuses import ACTIVE_RUNS, RunStatus, StepStatus
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal, require
from engine.plugins.step import Effect
from engine.record.types.run import Run
from engine.runs.approval_titles import title_of
from engine.runs.named_files import given_files, not_shown

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

RUN_STATUS = "run_status"
"""The tool that reports how a run is going."""
WAIT_SECONDS = 25.0
"""How long a call waits for its run: clients give up after 30 or 60 seconds."""
KEY = "idempotency_key"
"""The member of a call's `_meta` that makes a repeated call return the same run."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
_NO_INPUTS: JsonObject = {"type": "object", "properties": {}}
_AFTERWARDS = (
    f"The answer has the outputs. If the run takes longer than {WAIT_SECONDS:g} seconds or waits for a person, it has "
    f"run_id and status; {RUN_STATUS} tells how it goes on."
)
_WHICH_TOOLS = "tools/list has all; a workflow is one with `expose: true`."
_STATUS_TOOL = types.Tool(
    name=RUN_STATUS,
    title="How a run is going",
    description="Return the outputs of a run that one of the other tools has started, or its status if it goes on.",
    input_schema={
        "type": "object",
        "properties": {"run_id": {"type": "string", "description": "As the other tool has returned it."}},
        "required": ["run_id"],
        "additionalProperties": False,
    },
    annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
)


class OpenQuestion(TypedDict):
    """A question that only a person can answer."""

    approval: ReadOnly[str]
    title: ReadOnly[str]


class UnfinishedRun(TypedDict):
    """What a call returns of a run that has not succeeded."""

    run_id: ReadOnly[str]
    status: ReadOnly[RunStatus]
    sentence: ReadOnly[str]


class Patient:
    """A caller that counts as always connected."""

    async def is_disconnected(self) -> bool:
        """Return False."""
        return False


class WorkflowTools:
    """The tools of one workspace for one person; every call acts with their role."""

    def __init__(self, orchestra: Orchestra, principal: Principal, wait_seconds: float = WAIT_SECONDS) -> None:
        self._orchestra, self._principal = orchestra, principal
        self._wait_seconds = wait_seconds

    def list(self) -> list[types.Tool]:
        """Return the tools, by name; a workflow that cannot run is left out. Raises NotAllowed."""
        names = self._orchestra.workflows.names(self._principal)
        plans = [plan for name in names if name != RUN_STATUS and (plan := self._exposed(name)) is not None]
        return [*(_tool(plan) for plan in plans), _STATUS_TOOL]

    async def call(self, name: str, arguments: JsonObject, key: object = None) -> types.CallToolResult:
        """Return the outputs of a run, or its state if it goes on or waits; the result also reports what goes wrong.

        Raises MCPError if there is no such tool (server/tools, "Error Handling", of the specification 2025-11-25).
        """
        try:
            if name == RUN_STATUS:
                return await to_thread.run_sync(self._status, arguments)
            return await self._run(name, arguments, key)
        except (OrchestraError, ServiceError) as error:
            return _refusal(f"{error.message} {error.remedy}".strip())

    async def _run(self, name: str, arguments: JsonObject, key: object) -> types.CallToolResult:
        run_id = await to_thread.run_sync(self._start, name, arguments, key)
        wait = partial(self._orchestra.runs.wait, self._principal, run_id)
        run = await awaited(Patient(), wait, self._wait_seconds)
        return await to_thread.run_sync(lambda: self._answer(wait(0.0) if run is None else run))

    def _start(self, name: str, arguments: JsonObject, key: object) -> str:
        """Start a run; nobody consents to accounts here, as it is a program that calls."""
        require(self._principal, "run", "start runs")
        if self._exposed(name) is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {name!r}. {_WHICH_TOOLS}")
        self._require_own_files(arguments)
        request_key = None if key is None else f"mcp:{self._principal.id}:{_checked(key)}"
        return self._orchestra.runs.start(self._principal, name, arguments, request_key=request_key)

    def _exposed(self, name: str) -> Plan | None:
        """Return the workflow as it would run now, None if it is not exposed or cannot run."""
        try:
            plan = self._orchestra.plan(self._principal, name)
        except (UnknownName, InvalidFile, InvalidInput):  # InvalidInput: it is not in the default environment
            return None
        return plan if plan.document.get("expose") is True else None

    def _status(self, arguments: JsonObject) -> types.CallToolResult:
        run_id = arguments.get("run_id")
        if set(arguments) != {"run_id"} or not isinstance(run_id, str):
            raise InvalidInput(f"{RUN_STATUS} takes one argument, run_id, a text.", remedy='Send {"run_id": "…"}.')
        run = self._own_run(run_id)
        if run is None:
            raise InvalidInput(
                f"You have started no run {run_id!r} of an exposed workflow.",
                remedy="The call that started it has its id.",
            )
        return self._answer(run)

    def _own_run(self, run_id: str) -> Run | None:
        """Return a run of an exposed workflow that the same person has started, None for any other."""
        run = self._run_of(run_id)
        if run is None:
            return None
        is_exposed = run["definition"]["workflow"].get("expose") is True
        return run if is_exposed and run["started_by"] == self._principal.id else None

    def _require_own_files(self, arguments: JsonObject) -> None:
        """Raise InvalidInput if arguments name a file that is not in the outputs of such a run."""
        for run_id, digest in given_files(arguments):
            top = self._top(run_id)
            run = None if top is None else self._own_run(top)
            if run is None or digest not in self._orchestra.runs.files(self._principal, run["run_id"], run["outputs"]):
                raise not_shown(run_id, "Take it from the outputs of a tool that you have called.")

    def _top(self, run_id: str) -> str | None:
        """Return the run that has called this one, directly or not; None if one of these runs does not exist."""
        run = self._run_of(run_id)
        while run is not None and run["parent_run_id"]:
            run = self._run_of(run["parent_run_id"])
        return None if run is None else run["run_id"]

    def _run_of(self, run_id: str) -> Run | None:
        try:
            return self._orchestra.runs.get(self._principal, run_id)
        except UnknownName:
            return None

    def _answer(self, run: Run) -> types.CallToolResult:
        if run["status"] == RunStatus.SUCCEEDED:
            return _result(shown(run["outputs"] or {}, run["run_id"], partial(self._content, run["run_id"])))
        state: UnfinishedRun = {"run_id": run["run_id"], "status": run["status"], "sentence": run["sentence"]}
        if run["status"] == RunStatus.WAITING:
            questions = self._questions(run)
            return _result({**state, "waiting_for": questions}, _waiting(state, questions))
        if run["status"] in ACTIVE_RUNS:
            return _result(state, f"The run {run['run_id']} is {run['status']}. {RUN_STATUS} tells how it goes on.")
        error = run["error"]
        why = run["sentence"] if error is None else f"{error['message']} {error.get('remedy') or ''}".strip()
        return _result(state, f"The run {run['run_id']} is {run['status']}: {why}", is_error=True)

    def _content(self, run_id: str, digest: str) -> bytes:
        return self._orchestra.runs.file(self._principal, run_id, digest).content

    def _questions(self, run: Run) -> Sequence[OpenQuestion]:
        """Return the open questions of a run."""
        waiting = [step for step in run["steps"] if step["status"] == StepStatus.WAITING]
        found: list[OpenQuestion] = []
        for question in [str(step["approval"]) for step in waiting if step.get("approval")]:
            try:
                approval = self._orchestra.approvals.get(self._principal, question)
            except UnknownName:  # the state was rebuilt: the run asks again when it continues
                continue
            if approval.state == "open":
                found.append({"approval": question, "title": title_of(approval)})
        return found


def _tool(plan: Plan) -> types.Tool:
    document = plan.document
    reads = plan.effect != Effect.WRITES
    return types.Tool(
        name=plan.name,
        title=document.get("title") or plan.name,
        description=f"{document.get('description') or document.get('title') or plan.name}\n\n{_AFTERWARDS}",
        input_schema={**_NO_INPUTS, **plan.inputs_schema},
        annotations=types.ToolAnnotations(read_only_hint=reads, destructive_hint=not reads),
    )


def _checked(key: object) -> str:
    if isinstance(key, str) and _KEY.match(key):
        return key
    raise InvalidInput(f"`{KEY}` is not a key.", remedy="Use 1 to 255 printable ASCII characters without spaces.")


def _waiting(state: UnfinishedRun, questions: Sequence[OpenQuestion]) -> str:
    titles = [f"“{one['title']}”" for one in questions]
    if not titles:
        return f"The run {state['run_id']} is waiting. {state['sentence']} {RUN_STATUS} tells how it goes on."
    return (
        f"The run {state['run_id']} is waiting until a person answers: {', '.join(titles)}. "
        "Only a person can do that, in AI-Orchestra or with `orchestra approvals`; then it continues by itself."
    )


def _result(content: Mapping[str, Any], text: str = "", *, is_error: bool = False) -> types.CallToolResult:
    written = text or _sendable(compact(content))
    return types.CallToolResult(
        content=[types.TextContent(text=_sendable(written))], structured_content=content, is_error=is_error
    )


def _refusal(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=_sendable(text))], is_error=True)


def _sendable(text: str) -> str:
    """Return `text` without lone surrogates, which no JSON message can carry."""
    return text.encode("utf-8", "replace").decode()
