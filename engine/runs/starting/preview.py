"""Preview a run: the accounts it will touch, the items it would process, and warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct, field

from clients.deadline import deadline
from clients.errors import ServiceError
from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject
from engine.base.plain_values import plain_json
from engine.base.run_file import FileContent
from engine.base.services import is_model, service_of, services
from engine.base.statuses import AccountMode, StepStatus
from engine.compiler.definition.plan import Node, Plan
from engine.connections.accounts import Account, Accounts
from engine.expressions.expressions import Template, render
from engine.people.access import Principal
from engine.people.operation import operation
from engine.plugins.step import Call, Effect
from engine.record.acceptance import checked_inputs
from engine.record.types.run import EstimateRecord
from engine.runs.starting.acceptor import Acceptor
from engine.runs.starting.consent import PUBLIC, Touch

_SECONDS = 30.0
_SHOWN = 50


class ConnectionBadge(Struct, frozen=True):
    """An account that a run will touch."""

    name: str
    service: str
    mode: AccountMode
    account: str


class PreviewWarning(Struct, frozen=True):
    """A warning before the run; if `must_tick`, the run starts only after a person has agreed."""

    kind: str
    text: str
    must_tick: bool


class RunPreview(Struct, frozen=True):
    """What a run would touch. `items`: titles of the items of its first loop, None if they were not read."""

    workflow: str
    connections: list[ConnectionBadge]
    warnings: list[PreviewWarning] = field(default_factory=list)
    items: list[str] | None = None
    count: int | None = None
    estimate: EstimateRecord | None = None
    """What it will cost; None if it asks no model."""
    needs_confirmation: list[str] = field(default_factory=list)
    """What nobody has agreed to yet: a run starts for whoever agrees to these names."""
    has_new_accounts: bool = False
    """Whether these include real accounts; a public repository has its own warning."""


class RunPreviews:
    """What runs would touch, shown before they start."""

    def __init__(self, acceptor: Acceptor, accounts: Accounts, ready_plan: Callable[[str, str], Plan]) -> None:
        self._acceptor, self._accounts, self._ready_plan = acceptor, accounts, ready_plan

    @operation("runs.preview", "run", "start runs", "See what a run would touch")
    def of(
        self, p: Principal, workflow: str, inputs: Mapping[str, Any], *, look: bool = True, environment: str = ""
    ) -> RunPreview:
        """Return what a run would touch; with `look`, also the items of its first loop (reads only).

        Raises UnknownName, InvalidFile, InvalidInput, ServiceError.
        """
        plan = self._ready_plan(workflow, environment)
        services = self._acceptor.services()  # as the plan has them: looking at items takes seconds
        filled, modes = checked_inputs(plan, inputs), self._acceptor.modes(plan, {})
        opened = {name: self._accounts.open(name, None, modes[name]) for name in plan.connections}
        found = _items(plan, filled, opened) if look else None
        _identify(opened)
        needs = self._acceptor.consents.missing(plan, filled, modes, self._acceptor.mode(""))
        titles, count = found if found is not None else (None, None)
        return RunPreview(
            workflow=workflow,
            connections=_badges(plan, modes, services, self._accounts),
            warnings=_warnings(plan, filled, opened, needs),
            items=titles,
            count=count,
            estimate=self._acceptor.estimates.of(plan, modes, count),
            needs_confirmation=[one.name for one in needs],
            has_new_accounts=any(one.kind != PUBLIC for one in needs),
        )


def _badges(
    plan: Plan, modes: Mapping[str, AccountMode], services: Mapping[str, str], accounts: Accounts
) -> list[ConnectionBadge]:
    """Return the accounts of a plan, without calling a service."""
    return [
        ConnectionBadge(name, services[name], modes[name], accounts.label(name, modes[name]))
        for name in plan.connections
    ]


def _identify(opened: Mapping[str, Account]) -> None:
    """Ask each service for the account's owner, to show it before the run; errors are left to the run."""
    for account in opened.values():
        with suppress(ServiceError), deadline(_SECONDS):
            account.identity()


def _warnings(
    plan: Plan, inputs: JsonObject, opened: Mapping[str, Account], needs: Sequence[Touch]
) -> list[PreviewWarning]:
    """Return the warnings: a repository that everybody can read, until somebody has agreed to it."""
    words = [one.words for one in needs if one.kind == PUBLIC]
    found = [PreviewWarning(PUBLIC, f"{said[:1].upper()}{said[1:]}.", must_tick=True) for said in words]
    for service, name in dict.fromkeys(_places(plan, inputs)):
        for account in opened.values():
            if account.service == service and account.mode == AccountMode.DEMO and _is_public(account, name):
                text = f"{name} is public: everybody can read what is written there."
                found.append(PreviewWarning("public_repository", text, must_tick=True))
    return found


def _places(plan: Plan, inputs: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield (service, place) of everything that the run may write to and that may be public."""
    formats = {one.public_place.format: one.name for one in services() if one.public_place}
    for name, schema in plan.inputs_schema.get("properties", {}).items():
        if schema.get("format") in formats and isinstance(inputs.get(name), str):
            yield formats[schema["format"]], inputs[name]
    for node in plan.nodes():
        service = service_of(node.action.step_type.service) if node.action is not None else None
        if node.action is not None and service is not None and service.public_place is not None:
            place = node.action.arguments.get(service.public_place.field)
            if isinstance(place, str):
                yield service.name, place


def _is_public(account: Account, place: str) -> bool:
    try:
        with deadline(_SECONDS):
            return account.client.is_public(place)
    except ServiceError:
        return False  # the run itself reports what is wrong


def _items(plan: Plan, inputs: JsonObject, opened: Mapping[str, Account]) -> tuple[list[str], int] | None:
    """Run the reads before the first loop and return (titles, count) of the items it would process.

    Nothing is written and no model is called. Return None if the loop depends on more than reads. Raises ServiceError.
    """
    names: JsonObject = {**plan.root_names, "inputs": inputs, "run": {"id": "preview", "started_at": ""}, "steps": {}}
    for node in plan.block.nodes:
        if node.loop is not None:
            return _titles(node, names)
        if not _is_plain_read(node):
            return None
        names["steps"][node.id] = {"status": StepStatus.SUCCEEDED.value, "output": _read(node, names, opened)}
    return None


def _is_plain_read(node: Node) -> bool:
    action = node.action
    if action is None or node.condition is not True or node.loop is not None or is_model(action.step_type.service):
        return False
    kind = action.step_type
    if kind.service is not None and action.connection is None:
        return False
    return kind.effect is Effect.READS or kind.is_for_output or kind.name == "flow.assert"


def _read(node: Node, names: JsonObject, opened: Mapping[str, Account]) -> Any:
    assert node.action is not None
    kind = node.action.step_type
    fields = kind.fields.model_validate(render(node.action.arguments, names))
    account = opened.get(node.action.connection or "")
    with deadline(_SECONDS):
        answer = kind.call(Call(fields=fields, client=account.client if account else None))
    return plain_json(answer, _described) if kind.effect is Effect.READS else answer


def _described(file: FileContent) -> dict[str, Any]:
    """Return the description of a file that is not stored."""
    return {"name": file.name, "bytes": file.size_bytes, "media_type": file.media_type}


def _titles(node: Node, names: JsonObject) -> tuple[list[str], int] | None:
    loop = node.loop
    assert loop is not None
    try:
        values = loop.items.value(names)
    except OrchestraError:
        return None
    if not isinstance(values, list):
        return None
    return [_title(loop.item_title or loop.key, {**names, loop.name: one}) for one in values[:_SHOWN]], len(values)


def _title(template: Any, names: JsonObject) -> str:
    try:
        return str(render(template, names)) if isinstance(template, Template) else ""
    except OrchestraError:
        return ""
