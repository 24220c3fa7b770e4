"""Texts that were typed and not saved, kept for the person who typed them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from engine.clock import Clock
from engine.errors import InvalidInput
from engine.names import checked_name, timestamp
from engine.people.access import Principal, require
from engine.settings import Settings
from engine.workspace.jsonfile import LARGEST_BYTES

Kind = Literal["workflow", "prompt"]


@dataclass(frozen=True)
class Draft:
    """A text that is not saved; `etag` is that of the file it began from, `kept_at` RFC 3339 text in UTC."""

    text: str
    etag: str
    kept_at: str


class Drafts:
    """The `drafts` facet: one text per person and file. It changes nothing that others see, so no audit line tells."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock

    def keep(self, p: Principal, kind: Kind, name: str, text: str, etag: str = "") -> Draft:
        """Keep a text in place of the one before; it is on disk when this returns. Raises NotAllowed, InvalidInput."""
        key = _key(p, kind, name)
        if len(text.encode("utf-8", "replace")) > LARGEST_BYTES:
            raise InvalidInput(f"The text is larger than the {LARGEST_BYTES:,} bytes that a file may have.")
        draft = Draft(text, etag, timestamp(self._clock()))
        self._settings.put(key, json.dumps({"text": text, "etag": etag, "kept_at": draft.kept_at}))
        return draft

    def get(self, p: Principal, kind: Kind, name: str) -> Draft | None:
        """Return what the person has kept, None for nothing. Raises NotAllowed, InvalidInput."""
        kept = self._settings.get(_key(p, kind, name))
        return Draft(**json.loads(kept)) if kept else None

    def drop(self, p: Principal, kind: Kind, name: str) -> None:
        """Forget what the person has kept. Raises NotAllowed, InvalidInput."""
        self._settings.remove(_key(p, kind, name))


def _key(p: Principal, kind: Kind, name: str) -> str:
    require(p, "edit", f"edit a {kind}")
    return f"draft.{p.id}.{kind}.{checked_name(kind, name)}"
