"""Who may do what: four roles, four rights, and one question asked before every action."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from typing import Literal, get_args

from engine.errors import NotAllowed

Role = Literal["owner", "editor", "operator", "viewer"]
Right = Literal["view", "run", "edit", "admin"]

ROLES: tuple[Role, ...] = get_args(Role)
"""All roles, the one that may most first."""

_RIGHTS: dict[Role, frozenset[Right]] = {
    "owner": frozenset({"view", "run", "edit", "admin"}),
    "editor": frozenset({"view", "run", "edit"}),
    "operator": frozenset({"view", "run"}),
    "viewer": frozenset({"view"}),
}


@dataclass(frozen=True)
class Principal:
    """The person or program that acts: `id` is a user of the dashboard, or `local:<os user>`."""

    id: str
    role: Role


def local_user() -> Principal:
    """Return who acts at the command line: the owner of the files has every right over them."""
    return Principal(f"local:{_os_user()}", "owner")


def may(principal: Principal, right: Right) -> bool:
    """Say whether `principal` has `right`; faces hide with it what they would refuse."""
    return right in _RIGHTS[principal.role]


def require(principal: Principal, right: Right, what: str) -> None:
    """Raise NotAllowed unless `principal` has `right`; `what` completes "may not …", e.g. `start a run`."""
    if may(principal, right):
        return
    lowest = next(role for role in reversed(ROLES) if right in _RIGHTS[role])
    raise NotAllowed(
        f"{principal.id} has the role {principal.role} and may not {what}.",
        remedy=f"It takes the role {lowest}{'' if lowest == 'owner' else ' or more'}, which an owner can give.",
    )


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user id without a name
        return f"uid-{os.getuid()}"
