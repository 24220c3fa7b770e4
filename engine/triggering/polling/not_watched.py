"""Why a trigger that is on is not watched."""

from __future__ import annotations

from engine.base.errors import OrchestraError


class NotWatched(OrchestraError):
    """A trigger that is on cannot be watched in its current state."""


class FeedsItself(NotWatched):
    """What runs write seems to start further runs; nothing is lost: the items wait until a person decides."""


class AccountRefuses(NotWatched):
    """An account that a trigger or its runs need is known to refuse calls."""
