"""Before a run: which accounts it will touch, what it would go through, and what a person must know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from clients.deadline import deadline
from clients.errors import ServiceError
from engine.compiler.plan import Node, Plan
from engine.connections.accounts import Account, Accounts, Mode
from engine.errors import OrchestraError
from engine.expressions.expressions import Template, render
from engine.run_file import FileContent
from engine.runner.outside_values import plain_json
from engine.step import Call, Effect

_SECONDS = 30.0
_SHOWN = 50


@dataclass(frozen=True)
class ConnectionBadge:
    """An account that a run will touch."""

    name: str
    service: str
    mode: Mode
    account: str


@dataclass(frozen=True)
class PreviewWarning:
    """Something to know before the run; where `must_tick`, it starts only after a person has agreed."""

    kind: str
    text: str
    must_tick: bool


@dataclass(frozen=True)
class RunPreview:
    """What a run would touch. `items`: titles of what its first loop goes through, None where nobody looked."""

    workflow: str
    connections: list[ConnectionBadge]
    warnings: list[PreviewWarning] = field(default_factory=list)
    items: list[str] | None = None
    count: int | None = None


def badges(
    plan: Plan, modes: Mapping[str, Mode], services: Mapping[str, str], accounts: Accounts
) -> list[ConnectionBadge]:
    """Return the accounts of a plan, asking nobody."""
    return [
        ConnectionBadge(name, services[name], modes[name], accounts.label(name, modes[name]))
        for name in plan.connections
    ]


def identify(opened: Mapping[str, Account]) -> None:
    """Ask each service whose account it is, so that a person sees it before the run; a failure shows at the run."""
    for account in opened.values():
        with suppress(ServiceError), deadline(_SECONDS):
            account.identity()


def warnings(plan: Plan, inputs: Mapping[str, Any], opened: Mapping[str, Account]) -> list[PreviewWarning]:
    """Return what a person must know: a repository that everybody can read."""
    found = []
    for name in dict.fromkeys(_repositories(plan, inputs)):
        for account in opened.values():
            if account.service == "github" and _is_public(account, name):
                text = f"{name} is public: everybody can read what is written there."
                found.append(PreviewWarning("public_repository", text, must_tick=True))
    return found


def _repositories(plan: Plan, inputs: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in plan.inputs_schema.get("properties", {}).items():
        if schema.get("format") == "github-repository" and isinstance(inputs.get(name), str):
            yield inputs[name]
    for node in plan.nodes():
        if node.action is not None and node.action.step_type.service == "github":
            repository = node.action.arguments.get("repository")
            if isinstance(repository, str):
                yield repository


def _is_public(account: Account, repository: str) -> bool:
    try:
        with deadline(_SECONDS):
            return account.client.repository(repository)["private"] is False
    except ServiceError:
        return False  # the run itself says what is wrong with it


def items(plan: Plan, inputs: Mapping[str, Any], opened: Mapping[str, Account]) -> tuple[list[str], int] | None:
    """Run the reads before the first loop and return (titles, count) of what it would go through.

    Nothing is written and no model is asked. None where the loop depends on more than reads. Raises ServiceError.
    """
    names: dict[str, Any] = {"inputs": inputs, "run": {"id": "preview", "started_at": ""}, "steps": {}}
    for node in plan.block.nodes:
        if node.loop is not None:
            return _titles(node, names)
        if not _is_plain_read(node):
            return None
        names["steps"][node.id] = {"status": "succeeded", "output": _read(node, names, opened)}
    return None


def _is_plain_read(node: Node) -> bool:
    action = node.action
    if action is None or node.condition is not True or node.loop is not None or action.step_type.service == "openai":
        return False
    kind = action.step_type
    return kind.effect is Effect.READS or kind.is_for_output or kind.name == "flow.assert"


def _read(node: Node, names: Mapping[str, Any], opened: Mapping[str, Account]) -> Any:
    assert node.action is not None
    kind = node.action.step_type
    fields = kind.fields.model_validate(render(node.action.arguments, names))
    account = opened.get(node.action.connection or "")
    with deadline(_SECONDS):
        answer = kind.call(Call(fields=fields, client=account.client if account else None))
    return plain_json(answer, _described) if kind.effect is Effect.READS else answer


def _described(file: FileContent) -> dict[str, Any]:
    """Stand for a file that nothing is kept of."""
    return {"name": file.name, "bytes": len(file.content), "media_type": file.media_type}


def _titles(node: Node, names: Mapping[str, Any]) -> tuple[list[str], int] | None:
    loop = node.loop
    assert loop is not None
    try:
        values = loop.items.value(names)
    except OrchestraError:
        return None
    return [_title(loop.item_title or loop.key, {**names, loop.name: one}) for one in values[:_SHOWN]], len(values)


def _title(template: Any, names: Mapping[str, Any]) -> str:
    try:
        return str(render(template, names)) if isinstance(template, Template) else ""
    except OrchestraError:
        return ""
