"""The differences between two JSON values, leaf by leaf, and their text for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from engine.base.wording import member_path
from engine.expressions.json_values import compact_json

_LONGEST_SHOWN = 80  # characters of a value
_REFERENCE = {"$file", "bytes", "media_type"}
_NAMED_REFERENCE = {*_REFERENCE, "name"}
_STORED = re.compile(r"([\w-]+\.files/)?[0-9a-f]+")
"""The folder of a run's files and a hash; logs of the run itself leave the folder out."""


class _Absent:
    """A missing value, as opposed to null."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


class Difference(Struct, frozen=True):
    """One place at which two values differ; `field` is like `with.variables.subject`.

    Without either value, it only says that there is a difference (engine/record/hidden_callees.py).
    """

    field: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return (
            f"{self.field} has changed" if self.is_bare else f"{self.field}: {shown(self.old)} became {shown(self.new)}"
        )

    @property
    def is_bare(self) -> bool:
        """Whether neither value is told."""
        return self.old is ABSENT and self.new is ABSENT

    def as_json(self) -> dict[str, Any]:
        """Return {field, old, new} without a missing side."""
        sides = {"old": self.old, "new": self.new}
        return {"field": self.field, **{name: value for name, value in sides.items() if value is not ABSENT}}


def differences(field: str, old: Any, new: Any) -> Iterator[Difference]:
    """Yield every leaf at which two values differ; lists of different length, and texts, differ as a whole."""
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not (is_reference(old) or is_reference(new)):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(member_path(field, key), old.get(key, ABSENT), new.get(key, ABSENT))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(f"{field}[{index}]", one, other)
    elif _comparable(old) != _comparable(new) or (type(old) is bool) != (type(new) is bool):  # True == 1
        yield Difference(field, old, new)


def is_reference(value: Mapping[str, Any]) -> bool:
    """Return whether a value of a log is a reference to a large value or a file; what only looks like one is not."""
    if set(value) not in (_REFERENCE, _NAMED_REFERENCE):
        return False
    return isinstance(value["bytes"], int) and _STORED.fullmatch(str(value["$file"])) is not None


def _comparable(value: Any) -> Any:
    """Return a large value or a file as its hash: the folder in front of the hash differs between runs."""
    if isinstance(value, Mapping) and is_reference(value):
        return str(value["$file"]).rpartition("/")[2], value.get("name")
    return value


def shown(value: Any) -> str:
    """Return a short text of a value, for people."""
    if value is ABSENT:
        return "nothing"
    if isinstance(value, Mapping) and is_reference(value):
        name = f"{value['name']}, " if "name" in value else ""
        return f"{name}{value['bytes']:,} bytes of {value['media_type']}"
    text = compact_json(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}… ({len(text):,} characters)"
