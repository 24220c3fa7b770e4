"""What a message has beside its text: files, cards, stickers, polls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from clients.listing import Json
from clients.wording import counted, listed

_NAME_MOST = 100


def beside(message: Json, kinds: Mapping[str, tuple[str, Sequence[str]]]) -> list[str]:
    """Return a sentence for each kind of thing that a message has beside its text: "1 file: plan.pdf.".

    `kinds`: member of the message -> (what it holds, members that may name one, best first).
    """
    return [said for member, kind in kinds.items() if (said := _said(message.get(member), *kind))]


def _said(value: object, word: str, naming: Sequence[str]) -> str:
    things = value if isinstance(value, list) else [value] if value else []
    names = list(_names(things, naming))
    return f"{counted(len(things), word)}{': ' * bool(names)}{listed(names)}." if things else ""


def _names(things: Sequence[object], naming: Sequence[str]) -> Iterator[str]:
    for one in things:
        known = [one[name] for name in naming if one.get(name)] if isinstance(one, dict) else []
        if known and (name := " ".join(str(known[0]).split())):
            yield name[:_NAME_MOST]
