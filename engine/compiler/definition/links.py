"""The places to which text from outside may link: those that a workflow names, and those in its list `links`.

An entry of the list is a host, `docs.example.org`, with `*` as in `allow` (allowed_values.py), or `*` alone for any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.base.services import service_of
from engine.compiler.definition.allowed_values import faults
from engine.outgoing.addresses import places_in

EVERYWHERE = "*"


def link_fault(pattern: str) -> str:
    """Return why an entry is not accepted; an empty text if it is."""
    if pattern == EVERYWHERE:
        return ""
    if not pattern or any(sign in pattern for sign in "/@ \t\n"):
        return f"is a host alone, without an address around it, and not {pattern!r}"
    if re.search(r"\*(?!\.)", pattern):
        return f"would allow other hosts that are only alike: {pattern!r}"
    return faults(pattern)


def named_places(
    document: Any, prompts: Sequence[Any], services: Sequence[str], links: Sequence[str]
) -> frozenset[str]:
    """Return the patterns of the places that a workflow names: in its file and prompts, by its services, in `links`."""
    written = {place for one in (document, *prompts) for text in _texts(one) for place in places_in(text)}
    known = [service_of(name) for name in services]
    return frozenset({*links, *written, *(place for one in known if one is not None for place in one.shown_at)})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _texts(one)
