"""Finds the step types and trigger types: every class of a base in a file of `engine/steps/`, `engine/triggers/`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cached_property
from types import ModuleType
from typing import Generic, TypeVar

import engine.steps
import engine.triggers
from engine.errors import UnknownName
from engine.step import Kind, StepType
from engine.trigger import TriggerType

Found = TypeVar("Found", bound=Kind)


class Registry(Generic[Found]):
    """The kinds of one folder, by name; a file is imported when something in it is asked for."""

    def __init__(self, thing: str, package: ModuleType, base: type[Found]) -> None:
        self._thing, self._package, self._base = thing, package, base
        self._families: dict[str, Mapping[str, Found]] = {}

    @cached_property
    def families(self) -> tuple[str, ...]:
        """The module names of the folder, sorted."""
        return tuple(sorted(module.name for module in pkgutil.iter_modules(self._package.__path__)))

    def family(self, name: str) -> Mapping[str, Found]:
        """Import one file of the folder and return its kinds by name."""
        if name not in self._families:
            module = importlib.import_module(f"{self._package.__name__}.{name}")
            self._families[name] = {
                kind.name: kind()
                for _, kind in inspect.getmembers(module, inspect.isclass)
                if issubclass(kind, self._base) and kind.__module__ == module.__name__ and _is_whole(kind)
            }
        return self._families[name]

    @cached_property
    def every(self) -> Mapping[str, Found]:
        """Every kind by name, sorted."""
        found = {name: kind for module in self.families for name, kind in self.family(module).items()}
        return dict(sorted(found.items()))

    def forget(self) -> None:
        """Look into the folder anew when next asked."""
        self._families.clear()
        for name in ("families", "every"):
            vars(self).pop(name, None)

    def find(self, name: str) -> Found:
        """Return the kind `service.action`; raises UnknownName with the nearest names.

        The files whose names begin with the service are looked at first, so that a run imports only what it uses.
        """
        service = name.partition(".")[0]
        for module in self.families:
            if (module == service or module.startswith(f"{service}_")) and name in self.family(module):
                return self.family(module)[name]
        if name not in self.every:
            raise UnknownName(self._thing, name, list(self.every))
        return self.every[name]


def _is_whole(kind: type[Kind]) -> bool:
    """Tell a type from what several types have in common, which has no name."""
    return not inspect.isabstract(kind) and hasattr(kind, "name")


STEPS = Registry("step type", engine.steps, StepType)  # type: ignore[type-abstract]
TRIGGERS = Registry("trigger type", engine.triggers, TriggerType)  # type: ignore[type-abstract]


def step_type(name: str) -> StepType:
    """Return the step type `service.action`; raises UnknownName with the nearest names."""
    return STEPS.find(name)


def step_types() -> Mapping[str, StepType]:
    """Return every step type by name, sorted."""
    return STEPS.every


def trigger_type(name: str) -> TriggerType:
    """Return the trigger type `service.event`; raises UnknownName with the nearest names."""
    return TRIGGERS.find(name)


def trigger_types() -> Mapping[str, TriggerType]:
    """Return every trigger type by name, sorted."""
    return TRIGGERS.every
