"""Finds the step types: every class of StepType in a file of `engine/steps/`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache

import engine.steps
from engine.errors import UnknownName
from engine.step import StepType


@cache
def families() -> tuple[str, ...]:
    """Return the module names of `engine/steps/`, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(engine.steps.__path__)))


@cache
def family(name: str) -> Mapping[str, StepType]:
    """Import one file of `engine/steps/` and return its step types by name."""
    module = importlib.import_module(f"engine.steps.{name}")
    found = [
        kind()
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, StepType) and kind.__module__ == module.__name__ and not inspect.isabstract(kind)
    ]
    return {step_type.name: step_type for step_type in found}


def step_type(name: str) -> StepType:
    """Return the step type `service.action`; raises UnknownName with the nearest names.

    The files whose names begin with the service are looked at first, so that a run imports only what it uses.
    """
    service = name.partition(".")[0]
    for module in families():
        if (module == service or module.startswith(f"{service}_")) and name in family(module):
            return family(module)[name]
    every = step_types()
    if name not in every:
        raise UnknownName("step type", name, list(every))
    return every[name]


@cache
def step_types() -> Mapping[str, StepType]:
    """Return every step type by name, sorted."""
    every = {name: kind for module in families() for name, kind in family(module).items()}
    return dict(sorted(every.items()))
