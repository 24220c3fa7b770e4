"""Tags of prompts: short words that group them. They belong to the prompt, and are not part of a version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.base.errors import InvalidInput, UnknownName

TAG = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")
MOST_TAGS = 20
FORM = "Use up to 32 lower-case letters, digits, '-' and '_'."


def tags_of(document: Any) -> list[str]:
    """Return the tags in the text of a prompt, whatever else is wrong with it."""
    found = document.get("tags") if isinstance(document, dict) else None
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def tagged(name: str, document: Mapping[str, object], add: Sequence[str], remove: Sequence[str]) -> dict[str, object]:
    """Return the file of a prompt with tags added and removed, sorted. Raises InvalidInput, UnknownName."""
    before = tags_of(document)
    for tag in remove:
        if tag not in before:
            raise UnknownName(f"tag of the prompt {name}", tag, before)
    for tag in add:
        if not TAG.match(tag):
            raise InvalidInput(f"{tag!r} cannot be a tag.", remedy=FORM)
        if tag in remove:
            raise InvalidInput(f"The tag {tag!r} is both added and removed.", remedy="Name it once.")
    after = sorted({*before, *add} - set(remove))
    if len(after) > MOST_TAGS:
        raise InvalidInput(f"{name} would have {len(after)} tags; at most {MOST_TAGS} are allowed.")
    rest = {key: value for key, value in document.items() if key != "tags"}
    return {**rest, "tags": after} if after else rest


def tag_faults(tags: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Yield what is wrong with the tags in a file: number, message and remedy."""
    for number, tag in enumerate(tags):
        if not TAG.match(tag):
            yield number, f"{tag!r} cannot be a tag.", FORM
        elif tag in tags[:number]:
            yield number, f"The tag {tag!r} is listed twice.", "Remove one of them."
    if len(tags) > MOST_TAGS:
        yield MOST_TAGS, f"There are {len(tags)} tags; at most {MOST_TAGS} are allowed.", "Remove some of them."
