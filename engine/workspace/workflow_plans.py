"""The plans of the workflows as their files are now: compiled again only when something they came from has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from engine.compiler.compiler import Surroundings, compile_workflow
from engine.compiler.plan import Plan
from engine.errors import InvalidFile, NotAvailableYet, OrchestraError
from engine.json_text import is_same
from engine.workspace.shelf import Shelf
from engine.workspace.stamps import Stamp, stamp


@dataclass(frozen=True)
class _Known:
    stamp: Stamp
    connections: Mapping[str, str]
    plan: Plan


class WorkflowPlans:
    """Compiles workflows; may be used from any thread. `last_rename`: what a plan keeps to tell that it is older."""

    def __init__(
        self, shelf: Shelf, surroundings: Callable[[], Surroundings], last_rename: Callable[[], str] = str
    ) -> None:
        self._shelf, self._surroundings, self._last_rename = shelf, surroundings, last_rename
        self._known: dict[str, _Known] = {}

    def plan(self, name: str) -> Plan:
        """Return the plan of a workflow. Raises UnknownName, InvalidInput, InvalidFile, NotAvailableYet."""
        last_rename = self._last_rename()  # before any file is read: one that is changed from here on shows
        around = self._surroundings()
        known = self._known.get(name)
        if known is not None and known.plan.last_rename == last_rename and self._is_current(name, known, around):
            return known.plan
        before = stamp(self._shelf.path(name))
        plan = replace(self._compiled(name, around), last_rename=last_rename)
        if before:  # there is a file, and its next change will show
            self._known[name] = _Known(before, around.connections, plan)
        return plan

    def _is_current(self, name: str, known: _Known, around: Surroundings) -> bool:
        """Tell whether the file, the connections and all that it refers to are what they were."""
        plan = known.plan
        if stamp(self._shelf.folder / f"{name}.json") != known.stamp or around.connections != known.connections:
            return False
        try:
            return all(is_same(around.prompts(one), plan.prompts[one]) for one in plan.prompts) and all(
                is_same(around.workflows(one), document) for one, document in plan.workflows.items()
            )
        except OrchestraError:  # the compiler says what is wrong, and where
            return False

    def _compiled(self, name: str, around: Surroundings) -> Plan:
        file = self._shelf.read(name)
        compiled = compile_workflow(file, name, around)
        if compiled.plan is not None:
            return compiled.plan
        errors = [one for one in compiled.problems if one.severity == "error"]
        not_yet = [one for one in errors if one.code == "not_available_yet"]
        if not_yet and len(not_yet) == len(errors):
            raise NotAvailableYet(not_yet[0].message, remedy=not_yet[0].remedy)
        raise InvalidFile.of(file.file, compiled.problems)
