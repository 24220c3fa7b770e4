"""The `access` of a workflow: who may see it, run it, edit it and answer its questions. It only narrows roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from engine.compiler.definition.access_lists import ACTS, ROLE, Act, is_name
from engine.people.access import ROLES, Principal, Right

RIGHT_FOR: Mapping[Act, Right] = {"see": "view", "run": "run", "edit": "edit", "approve": "run"}
"""The right that a role must give for each."""
KEY = "access"


class WorkflowAccess(Struct, frozen=True):
    """Whom the lists of a workflow name; a list that is None narrows nothing."""

    see: tuple[str, ...] | None = None
    run: tuple[str, ...] | None = None
    edit: tuple[str, ...] | None = None
    approve: tuple[str, ...] | None = None
    is_faulty: bool = False
    """Whether it cannot be read: then it is open to owners alone."""

    def allows(self, p: Principal, act: Act) -> bool:
        """Return whether `p` may, as far as this is concerned; whoever may do anything must also see the workflow."""
        if p.role == "owner":
            return True
        return not self.is_faulty and all(_is_named(p, getattr(self, one)) for one in {"see", act})

    @property
    def narrows_answers(self) -> bool:
        """Whether not everybody who may start runs may answer questions."""
        return self.is_faulty or self.see is not None or self.approve is not None


FAULTY = WorkflowAccess(is_faulty=True)


def access_of(document: Mapping[str, Any]) -> WorkflowAccess | None:
    """Return the `access` of a workflow, None without one."""
    if KEY not in document:
        return None
    given = document[KEY]
    if not isinstance(given, Mapping) or not given.keys() <= set(ACTS):
        return FAULTY
    if not all(isinstance(one, list) and all(map(is_name, one)) for one in given.values()):
        return FAULTY
    see, run, edit, approve = (tuple(given[act]) if act in given else None for act in ACTS)
    return WorkflowAccess(see, run, edit, approve)


def _is_named(p: Principal, names: tuple[str, ...] | None) -> bool:
    if names is None or p.id in names:
        return True
    enough = ROLES[ROLES.index(p.role) :]  # their own role, and all that can do less
    return any(f"{ROLE}{one}" in names for one in enough)
