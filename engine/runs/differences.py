"""What differs between two JSON values, leaf by leaf, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.expressions.expressions import compact_json

_LONGEST_SHOWN = 80
_REFERENCE = {"$file", "bytes", "media_type"}
_NAMED_REFERENCE = {*_REFERENCE, "name"}


class _Absent:
    """No value at all, which is not null."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


@dataclass(frozen=True)
class Difference:
    """One place where two values are not the same: `field` as `with.variables.subject`."""

    field: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.field}: {shown(self.old)} became {shown(self.new)}"

    def as_json(self) -> dict[str, Any]:
        """Return {field, old, new}; a value that is not there at all is left out."""
        sides = {"old": self.old, "new": self.new}
        return {"field": self.field, **{name: value for name, value in sides.items() if value is not ABSENT}}


def differences(field: str, old: Any, new: Any) -> Iterator[Difference]:
    """Give every leaf at which two values differ; lists of other lengths and texts are told as wholes."""
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not (is_reference(old) or is_reference(new)):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(f"{field}.{key}" if field else key, old.get(key, ABSENT), new.get(key, ABSENT))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(f"{field}[{index}]", one, other)
    elif _comparable(old) != _comparable(new) or type(old) is bool is not type(new):
        yield Difference(field, old, new)


def is_reference(value: Mapping[str, Any]) -> bool:
    """Tell whether a value of a log lies in a file of its own, or stands for a file that a step gave."""
    return set(value) in (_REFERENCE, _NAMED_REFERENCE)


def _comparable(value: Any) -> Any:
    """Return a large value or a file by its hash: the folder before it is another one in each run."""
    if isinstance(value, Mapping) and is_reference(value):
        return str(value["$file"]).rpartition("/")[2], value.get("name")
    return value


def shown(value: Any) -> str:
    """Return a value in few characters, for people."""
    if value is ABSENT:
        return "nothing"
    if isinstance(value, Mapping) and is_reference(value):
        name = f"{value['name']}, " if "name" in value else ""
        return f"{name}{value['bytes']:,} bytes of {value['media_type']}"
    text = compact_json(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}… ({len(text):,} characters)"
