"""What a plan does outside: its accounts, writes and destinations, to show what is new in another plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from engine.compiler.definition.plan import Action, Plan
from engine.plugins.step import Effect, Role, fields_schema
from engine.runs.starting.touches import known_inputs, known_value


class OutsideReach(Struct, frozen=True):
    """What runs of a workflow touch outside, in words."""

    accounts: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()

    def new_since(self, other: OutsideReach) -> OutsideReach:
        """Return what the other does not have."""
        return OutsideReach(
            tuple(one for one in self.accounts if one not in other.accounts),
            tuple(one for one in self.effects if one not in other.effects),
            tuple(one for one in self.destinations if one not in other.destinations),
        )


def outside(plan: Plan, services: Mapping[str, str]) -> OutsideReach:
    """Return what runs of a plan touch; `services`: of each connection."""
    names = {**plan.root_names, "inputs": known_inputs(plan, {})}
    writes = [node.action for node in plan.nodes() if node.action is not None and node.effect is Effect.WRITES]
    return OutsideReach(
        tuple(_account(plan, name, services.get(name, "")) for name in plan.connections),
        tuple(dict.fromkeys(_effect(one) for one in writes)),
        tuple(dict.fromkeys(line for one in writes for line in _destinations(one, names))),
    )


def _account(plan: Plan, name: str, service: str) -> str:
    kept = plan.environment["connections"] if plan.environment is not None else {}
    if kept.get(name) == "demo":
        return f"the demo of {service}, for {name}"
    instead_of = [written for written, target in kept.items() if target == name]
    return f"{name} ({service})" + (f", for {' and '.join(instead_of)}" if instead_of else "")


def _effect(action: Action) -> str:
    return f"{action.uses} through {action.connection}" if action.connection else action.uses


def _destinations(action: Action, names: Mapping[str, Any]) -> Iterator[str]:
    for field, schema in fields_schema(action.step_type.fields).get("properties", {}).items():
        if schema.get("role") == Role.DESTINATION and action.arguments.get(field) not in (None, "", []):
            value = known_value(action.arguments[field], dict(names))
            shown = "known only while it runs" if value is None else value if isinstance(value, str) else repr(value)
            yield f"{action.uses}: {field} {shown}"
