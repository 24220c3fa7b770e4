"""Authorization: four roles, four rights, and one check before every action."""

from __future__ import annotations

import getpass
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from engine.base.errors import NotAllowed
from engine.base.names import NOTHING_HIDDEN, HiddenNames

Role = Literal["owner", "editor", "operator", "viewer"]
Right = Literal["view", "run", "edit", "admin"]

Confirmed = bool | Collection[str]

ROLES: tuple[Role, ...] = get_args(Role)
"""All roles, the most powerful first."""

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
    confirmed: bool | frozenset[str] = field(default=False, compare=False)
    """The consent given with this request: the names of the real accounts and public repositories that a workflow may
    touch (engine/runs/starting/consent.py), or True for all of them. Automatic actions never give consent.
    """
    by_token: bool = field(default=False, compare=False)
    """Whether a program acts with an API token: whoever finds one must not gain other ways to sign in by it."""
    hidden: HiddenNames = field(default=NOTHING_HIDDEN, compare=False, repr=False)
    """Set by the façade (engine/assembly/gate.py) for whatever is done in this person's name."""

    def sees(self, workflow: str) -> bool:
        """Return whether the `access` of a workflow, named by itself or by a branch, lets them know of it."""
        return workflow.partition("@")[0] not in self.hidden.names

    def shown(self, workflows: Iterable[str]) -> list[str]:
        """Return the workflows among these that they see; other names, such as `agent:NAME`, stay."""
        return [one for one in workflows if self.sees(one)]

    def may_run(self, workflow: str) -> bool:
        """Return whether it lets them run it, as far as their role does."""
        return workflow.partition("@")[0] not in self.hidden.not_run | self.hidden.names

    def sees_id(self, workflow_id: str) -> bool:
        """Return the same for the id of a workflow, or of its branch."""
        return workflow_id.partition("@")[0] not in self.hidden.ids

    def agreeing(self, confirmed: Confirmed) -> Principal:
        """Return the same principal with consent to these names, or to all with True."""
        return replace(self, confirmed=confirmed if isinstance(confirmed, bool) else frozenset(confirmed))


NOTIFIER = Principal("approval-notices", "operator")
"""Starts the workflow that notifies people of questions; its runs have links with which anybody can answer."""

ENGINE = Principal("engine", "owner")
"""The principal of maintenance work that nobody requested."""

PROGRAM = frozenset({NOTIFIER.id, ENGINE.id, "notifications", "metrics", "triggers", "ingress"})
"""Ids that no user may have: the program acts under them, or they could be taken for a part of it."""

LOCAL = "local:"
"""Before the name of whoever works at the command line, who is not a user of the dashboard."""


def local_user() -> Principal:
    """Return the principal of the command line: the owner of the files has every right."""
    return Principal(f"{LOCAL}{_os_user()}", "owner")


def may(principal: Principal, right: Right) -> bool:
    """Return whether `principal` has `right`; user interfaces hide what would be refused."""
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


def require_person(principal: Principal, what: str) -> None:
    """Raise NotAllowed if `principal` is a program with an API token; `what` completes "cannot …"."""
    if principal.by_token:
        raise NotAllowed(
            f"An API token cannot {what}.",
            remedy="Do it in the dashboard, at the command line, or with a token from POST /auth/login.",
        )


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user id without a name
        return f"uid-{os.getuid()}"
