"""The form of `access` in a workflow: four lists, each of users and of `role:` with a role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict

from clients.wording import did_you_mean
from engine.documents.shapes import Misfit

Act = Literal["see", "run", "edit", "approve"]
ACTS: tuple[Act, ...] = get_args(Act)
ROLE = "role:"
"""Written before a role in a list: whoever has this role or a more powerful one."""
ROLE_NAMES = tuple(f"{ROLE}{one}" for one in ("owner", "editor", "operator", "viewer"))


def is_name(name: object) -> bool:
    """Return whether a member of a list can be the id of a user, or is `role:` and a role."""
    return isinstance(name, str) and name != "" and (not name.startswith(ROLE) or name in ROLE_NAMES)


def _known(name: str) -> str:
    if not is_name(name):
        said = "must be the id of a user, or 'role:' and a role"
        raise Misfit(said, did_you_mean(name, ROLE_NAMES))
    return name


Who = Annotated[str, AfterValidator(_known)]


class AccessModel(BaseModel):
    """Who may see, run and edit a workflow and answer its questions, of those whose role lets them."""

    model_config = ConfigDict(extra="forbid")

    see: list[Who] = []
    """Who knows that the workflow exists; nobody else may do anything with it."""
    run: list[Who] = []
    edit: list[Who] = []
    approve: list[Who] = []

    def strangers(self, is_user: Callable[[str], bool]) -> Iterator[tuple[tuple[str, int], str, str]]:
        """Yield (path, message, remedy) for each name that is not a user; a warning: somebody may be added later."""
        for act in ACTS:
            for index, name in enumerate(getattr(self, act)):
                if not name.startswith(ROLE) and not is_user(name):
                    remedy = "To add a user: `orchestra users add ID`. A role is written as `role:editor`."
                    yield (act, index), f"There is no user {name!r}.", remedy
