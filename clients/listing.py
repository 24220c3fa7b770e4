"""Lists of a service, item by item: an unreadable item does not block the others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import Struct

from clients.errors import BadAnswer, InvalidRequest, NotFound, ServiceError

Json: TypeAlias = dict[str, Any]
OF_ONE_THING = (BadAnswer, InvalidRequest, NotFound)
"""Errors that concern a single item, if further requests are needed for it."""


DEEPEST = 200
"""Levels of nesting of a JSON value that can be kept."""


def require_shallow(value: Any, service: str) -> None:
    """Check that JSON is not nested too deeply for what redacts and keeps it. Raises BadAnswer."""
    level = [value]
    for _ in range(DEEPEST):
        containers = (one for one in level if isinstance(one, dict | list))
        level = [each for one in containers for each in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return
    if any(isinstance(one, dict | list) for one in level):
        raise BadAnswer(f"The answer is nested deeper than {DEEPEST} levels.", service=service)


class UnreadableItem(Struct, frozen=True):
    """A list item that does not match the service's API description."""

    id: str
    """Its id, or a hash of its content, which is the same in each listing."""
    title: str
    reason: str
    """Why it cannot be read, as a sentence."""
    raw: Any
    """As received."""


class ItemList(list[Json]):
    """The readable items of a list, in order, and those that cannot be read.

    `unsearched` says what was not looked through, "" if everything was.
    """

    unsearched = ""

    def __init__(self, found: Iterable[Json | UnreadableItem] = ()) -> None:
        each = list(found)
        super().__init__(one for one in each if not isinstance(one, UnreadableItem))
        self.unreadable = [one for one in each if isinstance(one, UnreadableItem)]


def readable(things: Iterable[Any], shape: Callable[[Any], Json]) -> Iterator[Json | UnreadableItem]:
    """Yield each item in the form that `shape` returns. Raises ServiceError if the service as a whole fails."""
    for thing in things:
        try:
            yield shape(thing)
        except OF_ONE_THING as error:
            yield unreadable(thing, error.message)
        except (ServiceError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever one thing does to its reader, the others are read
            yield unreadable(
                thing, f"It does not have the form that the service documents ({type(error).__name__}: {error})."
            )


def unreadable(thing: Any, reason: str) -> UnreadableItem:
    """Return what is known about an item that cannot be read."""
    known = thing if isinstance(thing, Mapping) else {}
    title = next((known[name] for name in ("title", "name") if isinstance(known.get(name), str)), "")
    return UnreadableItem(_id_of(known) or _digest(thing), title or "Unreadable", reason, thing)


def times_of(found: Json, *names: str) -> Json:
    """Return an item unchanged. Raises TypeError, ValueError if one of these members is not a time (RFC 3339)."""
    for name in names:
        datetime.fromisoformat(found[name])
    return found


def _id_of(known: Mapping[str, Any]) -> str:
    given = known.get("id")
    return str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""


def _digest(thing: Any) -> str:
    text = json.dumps(thing, sort_keys=True, default=repr)
    return f"unreadable-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"
