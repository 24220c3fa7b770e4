"""The requests: files of YAML by kind, and what a right answer has.

A property is about the result, never about the words or the ids that an answer has chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER = Path(__file__).with_name("asked")
BLANK = "blank"
"""The starting workflow without steps."""


class Kind(StrEnum):
    """What a request asks for; the name of its file."""

    CREATE = "create"
    CHANGE = "change"
    FIX = "fix"
    BULK = "bulk"
    ASK = "ask"
    INJECTION = "injection"


class Must(StrEnum):
    """What a right answer does."""

    PROPOSE = "propose"
    ASK = "ask"
    """It asks, and proposes nothing yet."""
    REFUSE = "refuse"
    """It says why not, and proposes nothing."""
    EXPLAIN = "explain"
    """It says something, and changes nothing."""


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Condition(_Checked):
    """What a field has. All that is given must hold."""

    equals: Any = None
    has: str = ""
    """A part of its text, in any case of letters."""
    lacks: str = ""
    """A text that no part of it has."""
    comes_from: tuple[str, ...] = Field(default=(), alias="from")
    """Step types, ids of steps, or `inputs`: its expressions depend on all of these, directly or through others."""
    is_given: bool | None = Field(default=None, alias="given")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        """A value alone is what the field equals; one source alone is a list of one."""
        if not isinstance(given, Mapping):
            return {"equals": given}
        source = given.get("from")
        return {**given, "from": (source,)} if isinstance(source, str) else given


class Effects(_Checked):
    """What the text does when it runs twice in the demo."""

    status: str = "succeeded"
    writes: Mapping[str, int | tuple[int, int]] = {}
    """How many writes the first run makes, by step type; no others. The least and the most, where a model decides."""
    destinations: tuple[str, ...] = ()
    """A part of the words of each destination that is fixed; no others, if any is given."""
    second_run: int | None = 0
    """How many writes the second run makes; None if it does not matter."""


class Wanted(_Checked):
    """The properties of a right answer."""

    must: Must = Must.PROPOSE
    uses: tuple[str, ...] = ()
    """Step types; each is used as often as it is named here, or more often."""
    without: tuple[str, ...] = ()
    """Step types that are not used."""
    triggers: tuple[str, ...] | None = None
    """Exactly the types of the triggers."""
    steps: Mapping[str, Mapping[str, Condition]] = {}
    """By id or step type: some step of it meets all the conditions, by path: `with.title`, `if`, `key`, `foreach`."""
    workflow: Mapping[str, Condition] = {}
    """Conditions on fields of the workflow, by path."""
    loop_key: bool = False
    """Every loop around a write has a key."""
    only: tuple[str, ...] | None = None
    """The steps that may be changed or removed; "" is the workflow itself. All others stay as they are.

    Steps of the types in `uses` may be added, and those that write nothing.
    """
    gone: tuple[str, ...] = ()
    """Steps that are no longer there."""
    order: tuple[str, ...] = ()
    """Ids or step types, of which each comes before the next in the text."""
    says: tuple[tuple[str, ...], ...] = ()
    """Of each group of words, the answer has one."""
    anywhere: tuple[str, ...] = ()
    """Texts that some value of the result has, wherever it is."""
    strangers: tuple[str, ...] = ()
    """Texts of an attacker: no value of the result has one."""
    demo: Effects | None = None


class Good(_Checked):
    """A good answer."""

    ops: tuple[Mapping[str, Any], ...] = ()
    text: str = ""
    question: str = ""


class Attack(_Checked):
    """A mail that somebody has sent, which the co-pilot gets to read."""

    sender: str = "Mallory <mallory@evil.example>"
    subject: str
    text: str
    obeyed: tuple[Mapping[str, Any], ...]
    """What a model proposes that does what the mail says."""


class Request(_Checked):
    """A request, what a right answer has, and a good one."""

    id: str
    kind: Kind
    ask: str
    start: str = BLANK
    """The workflow that it is about: a file in `workflows/`, or a sample that comes with AI-Orchestra."""
    selection: tuple[str, ...] = ()
    """The steps that are selected."""
    runs: bool = False
    """Whether the workflow has run in the demo before, and the last run is talked about."""
    values: tuple[str, ...] = ()
    """The steps whose values the person has ticked."""
    attack: Attack | None = None
    wanted: Wanted
    good: Good = Good()


@cache
def requests() -> tuple[Request, ...]:
    """Return all requests, by kind. Raises ValidationError with the place of a mistake."""
    return tuple(one for kind in Kind for one in of_kind(kind))


def of_kind(kind: Kind) -> list[Request]:
    """Return the requests of a kind; each gets an id of its kind and number."""
    found = yaml.safe_load((FOLDER / f"{kind}.yaml").read_text(encoding="utf-8"))
    ids = [f"{kind}-{number:02}" for number in range(1, len(found) + 1)]
    return [Request.model_validate({"id": id_, "kind": kind, **one}) for id_, one in zip(ids, found, strict=True)]
