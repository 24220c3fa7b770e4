"""Whose account a service means now: its stand-in's or the owner's."""

from __future__ import annotations

from engine.connections.accounts import Mode
from engine.connections.services import NO_STAND_IN
from engine.errors import InvalidInput, NotAvailableYet
from engine.settings import Settings


class Modes:
    """Whose account a service means now: the stand-in's or the owner's."""

    def __init__(self, settings: Settings, default: Mode, *, forced: bool) -> None:
        self._settings, self._default, self._forced = settings, default, forced

    def of(self, service: str) -> Mode:
        """Return the mode of a service; one without a stand-in is the owner's unless this process is all demo."""
        if self._forced:
            return "demo"
        if service in NO_STAND_IN:
            return "mine"
        if self._default == "mine":  # a command says itself whom it means
            return "mine"
        return "mine" if self._settings.get(f"mode.{service}") == "mine" else "demo"

    def set(self, service: str, mode: Mode) -> None:
        """Switch a service for everybody who uses this workspace's server. Raises NotAvailableYet, InvalidInput."""
        if service in NO_STAND_IN:
            raise InvalidInput(f"{service} has no stand-in to switch to.")
        if self._forced:
            raise NotAvailableYet("This server was started with --demo.", remedy="Start it without --demo.")
        self._settings.put(f"mode.{service}", mode)
