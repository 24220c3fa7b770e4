"""The core: workflows are loaded, compiled and run here; every face goes through `Orchestra`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.orchestra import Orchestra, shared
    from engine.people.access import Principal

__all__ = ["Orchestra", "Principal", "shared"]


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: a small module of the engine should not bring in all of it."""
    if name in ("Orchestra", "shared"):
        from engine import orchestra

        return getattr(orchestra, name)
    if name == "Principal":
        from engine.people.access import Principal

        return Principal
    raise AttributeError(name)
