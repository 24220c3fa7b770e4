"""Find the step types and trigger types: all such classes in the modules of `engine/steps/` and `engine/triggers/`, and
in installed packages.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from types import ModuleType
from typing import Any, Generic, Literal, TypeVar

from clients.service import OTHER_LINK
from clients.wording import listed, nearest
from engine.base.definitions import WorkspaceTool
from engine.base.errors import UnknownName
from engine.base.services import service_of
from engine.packages.in_force import Packages, packages
from engine.plugins.step import Effect, PluginType, StepType
from engine.plugins.trigger import TriggerType

Found = TypeVar("Found", bound=PluginType)


class Registry(Generic[Found]):
    """The types of one folder, by name; a module is imported when one of its types is needed.

    The types of installed packages come beside them, and never in the place of one.
    """

    def __init__(self, thing: str, package: str, base: type[Found], kind: Literal["steps", "triggers"]) -> None:
        self._thing, self._package, self._base, self._kind = thing, package, base, kind
        self._families: dict[str, Mapping[str, Found]] = {}
        self._found: dict[str, Found] = {}
        self._merged: tuple[Packages | None, Mapping[str, Found]] = (None, {})

    @cached_property
    def families(self) -> tuple[str, ...]:
        """The modules of the folder and its subfolders, as `github.issues`, sorted."""
        return tuple(sorted(_modules_in(self._package)))

    def family(self, name: str) -> Mapping[str, Found]:
        """Import one module of the folder and return its types by name. Raises TypeError if one is declared wrongly."""
        if name not in self._families:
            module = importlib.import_module(f"{self._package}.{name}")
            self._families[name] = {kind.name: checked(kind()) for kind in types_in(module, self._base)}
        return self._families[name]

    @cached_property
    def shipped(self) -> Mapping[str, Found]:
        """Every type of the folder by name, sorted."""
        found = {name: kind for module in self.families for name, kind in self.family(module).items()}
        return dict(sorted(found.items()))

    @property
    def every(self) -> Mapping[str, Found]:
        """Every type by name, sorted."""
        now = packages()
        if not now.added:
            return self.shipped
        if now is not self._merged[0]:
            self._merged = now, dict(sorted({**self._added(now), **self.shipped}.items()))
        return self._merged[1]

    def is_shipped(self, name: str) -> bool:
        """Return whether a type is one of the folder."""
        return self._near(name) is not None or name in self.shipped

    def _added(self, now: Packages) -> dict[str, Any]:
        return {name: kind for one in now.added for name, kind in getattr(one, self._kind).items()}

    def forget(self) -> None:
        """Discard what was found, so that the folder is read again."""
        self._families.clear()
        self._found.clear()
        self._merged = (None, {})
        for name in ("families", "shipped"):
            vars(self).pop(name, None)

    def _no_such_service(self, service: str) -> str:
        """Return the remedy for an unknown service: the nearest name, or all services."""
        known = list(dict.fromkeys(name.partition(".")[0] for name in self.every))
        if not service or _is_slip(service, nearest(service, known)):
            return ""
        other = f" There is no service {service!r}: http.request calls any that speaks HTTP." if "http" in known else ""
        return f"There are: {listed(list(self.every))}.{other}"

    def find(self, name: str) -> Found:
        """Return the type `service.action`; raise UnknownName with the nearest names.

        Modules named after the service, or in its folder, are searched first, so that a run imports only what it uses.
        """
        if name in self._found:
            return self._found[name]
        if (near := self._near(name)) is None:
            return self._further(name)
        self._found[name] = near
        return near

    def _near(self, name: str) -> Found | None:
        """Return a type of the folder from a module that is named after its service."""
        service = name.partition(".")[0]
        for module in self.families:
            if service in module.split(".") and name in self.family(module):
                return self.family(module)[name]
        return None

    def _further(self, name: str) -> Found:
        if name not in self.every:
            remedy = self._no_such_service(name.partition(".")[0])
            told = [f"The package {one} is left out: {why}" for one, why in packages().left_out.items()]
            raise UnknownName(self._thing, name, list(self.every), remedy=" ".join(filter(None, [remedy, *told])))
        return self.every[name]


_LETTERS_MOST = 2
"""Letters that people leave out, or type twice: `teams` is no slip for `telegram`."""


def _modules_in(package: str) -> Iterator[str]:
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if found.ispkg:
            yield from (f"{found.name}.{name}" for name in _modules_in(f"{package}.{found.name}"))
        else:
            yield found.name


def _is_slip(name: str, meant: str | None) -> bool:
    """Return whether somebody has probably mistyped or shortened a name, rather than named something else."""
    if meant is None:
        return False
    return meant.startswith(name) or name.startswith(meant) or abs(len(meant) - len(name)) <= _LETTERS_MOST


def types_in(module: ModuleType, base: type[Found]) -> list[type[Found]]:
    """Return the classes of a module that are types of their own, by the names of the classes."""
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__]
    return [kind for kind in kinds if issubclass(kind, base) and _is_whole(kind)]


def _is_whole(kind: type[PluginType]) -> bool:
    """Return whether a class is a type of its own, and not a nameless base class of several."""
    return not inspect.isabstract(kind) and hasattr(kind, "name")


def checked(made: Found) -> Found:
    """Return the type; raise TypeError if it would be called without the links that guard effects."""
    if isinstance(made, StepType) and made.service is None and not _is_pure(made):
        raise TypeError(f"Step type {made.name!r} has an effect but no service: set `service`, or leave `effect` pure.")
    return made


def _is_pure(kind: StepType) -> bool:
    return kind.effect is Effect.PURE and type(kind).effect_of is StepType.effect_of


TOOL, MCP = "tool.", "mcp."
"""The beginnings of names of a workspace's own step types: its tools, and tools of MCP servers (engine/tools/)."""
FindTool = Callable[[str], WorkspaceTool]
"""Returns a tool by what stands in `uses`. Raises OrchestraError."""
_compiled_with: ContextVar[FindTool | None] = ContextVar("compiled_with", default=None)
_opened: list[FindTool] = []
"""The tools of the workspace that this process has opened last, if any."""


def is_of_workspace(uses: str) -> bool:
    """Return whether `uses` names a tool of the workspace, rather than a step type that all have."""
    return uses.startswith((TOOL, MCP))


def open_tools(find: FindTool) -> None:
    """Let `step_type` find the tools of a workspace, wherever no workflow is compiled."""
    _opened[:] = [find]


@contextmanager
def tools_from(find: FindTool) -> Iterator[None]:
    """Let `step_type` find these tools and no others, while a workflow is compiled: a run has kept its own."""
    before = _compiled_with.set(find)
    try:
        yield
    finally:
        _compiled_with.reset(before)


def _tool(uses: str) -> StepType:
    """Return the step type of a tool: of the workflow that is compiled, else of the workspace opened last."""
    find = _compiled_with.get() or next(iter(_opened), None)
    if find is None:
        raise UnknownName("tool", uses, [])
    return tool_type(find(uses))


def tool_type(definition: WorkspaceTool) -> StepType:
    """Return the step type of a tool. Raises InvalidFile."""
    made: StepType = importlib.import_module("engine.tools.step_types").step_type_of(definition)
    return made


STEPS = Registry("step type", "engine.steps", StepType, "steps")  # type: ignore[type-abstract]
TRIGGERS = Registry("trigger type", "engine.triggers", TriggerType, "triggers")  # type: ignore[type-abstract]


def step_type(name: str) -> StepType:
    """Return the step type `service.action`; raise UnknownName with the nearest names."""
    return _tool(name) if is_of_workspace(name) else STEPS.find(name)


def step_types() -> Mapping[str, StepType]:
    """Return every step type by name, sorted."""
    return STEPS.every


def link_word(uses: str) -> str:
    """Return what the addresses that a step returns lead to, in one word: "Issue"."""
    try:
        kind = step_type(uses)
    except UnknownName:  # a step type of an earlier release
        service = service_of(uses.partition(".")[0])
    else:
        if kind.link:
            return kind.link
        service = service_of(kind.service)
    return service.link if service else OTHER_LINK


def trigger_type(name: str) -> TriggerType:
    """Return the trigger type `service.event`; raise UnknownName with the nearest names."""
    return TRIGGERS.find(name)


def trigger_types() -> Mapping[str, TriggerType]:
    """Return every trigger type by name, sorted."""
    return TRIGGERS.every
