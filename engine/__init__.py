"""The core: load, compile and run workflows. Every interface goes through `Orchestra`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.orchestra import Orchestra, shared
    from engine.people.access import Principal

__all__ = ["Orchestra", "Principal", "shared"]


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that a small module of the engine does not import all of it."""
    if name in ("Orchestra", "shared"):
        from engine import orchestra

        return getattr(orchestra, name)
    if name == "Principal":
        from engine.people.access import Principal

        return Principal
    raise AttributeError(name)
