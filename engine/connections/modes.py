"""Whether a service uses its stand-in's account or the owner's."""

from __future__ import annotations

from engine.base.errors import InvalidInput, NotAvailableYet
from engine.base.services import has_stand_in
from engine.base.statuses import AccountMode
from engine.store.settings import Settings


class Modes:
    """The current mode of each service: "demo" or "mine"."""

    def __init__(self, settings: Settings, default: AccountMode, *, forced: bool) -> None:
        self._settings, self._default, self._forced = settings, default, forced

    @property
    def is_demo_only(self) -> bool:
        """Whether this process runs with --demo."""
        return self._forced

    def of(self, service: str) -> AccountMode:
        """Return the mode of a service; without a stand-in it is "mine", unless this process runs with --demo."""
        if self._forced:
            return AccountMode.DEMO
        if self._default == AccountMode.MINE:  # a command names its account itself
            return AccountMode.MINE
        return self.served(service)

    def served(self, service: str) -> AccountMode:
        """Return the mode of a service in the dashboard and in everything that `orchestra serve` starts."""
        if not has_stand_in(service):
            return AccountMode.MINE
        return AccountMode.MINE if self._settings.get(f"mode.{service}") == AccountMode.MINE else AccountMode.DEMO

    def set(self, service: str, mode: AccountMode) -> None:
        """Switch a service for everybody who uses this workspace's server. Raises NotAvailableYet, InvalidInput."""
        if not has_stand_in(service):
            raise InvalidInput(f"{service} has no stand-in to switch to.")
        self.require_own_accounts()
        self._settings.put(f"mode.{service}", mode)

    def require_own_accounts(self) -> None:
        """Raise NotAvailableYet if this process was started for the demo only."""
        if self._forced:
            raise NotAvailableYet("This server was started with --demo.", remedy="Start it without --demo.")
