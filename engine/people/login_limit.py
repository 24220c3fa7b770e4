"""Limit password guessing by account and by address, never for everybody; the counts survive a restart.

Tries by strangers cannot lock people out of a browser in which they signed in before (`devices.py`): it has its own
counter. Programs have no such cookie: at an address from which an account signed in recently, only the tries of that
account at that address count. One-time links are not limited.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from engine.base.clock import Clock
from engine.base.errors import TooManyTries
from engine.store.people.sign_ins import LoginTries, SignInLimitReached, Success, TryLimit

PER_USER = 10
WINDOW = timedelta(minutes=15)
"""The limit of failed tries per account and address, and its period."""
PER_ADDRESS = 60
ADDRESS_WINDOW = timedelta(minutes=1)
"""The limit per address, for all accounts together."""
PER_ACCOUNT = 50
ACCOUNT_WINDOW = timedelta(minutes=5)
"""The limit per account, for all addresses together."""
_DEVICE = "device "  # no address begins like this
KNOWN_LASTS = timedelta(days=30)  # since the last sign-in from a network
AT_ONCE = 4
AT_ONCE_PER_ADDRESS = 2
"""Each check takes 64 MiB and a thread that others need. Browsers that signed in before have as many slots again."""


class LoginLimit:
    """Counts each try before the password is checked, so that parallel guesses count as well as serial ones."""

    def __init__(self, tries: LoginTries, clock: Clock) -> None:
        self._tries = tries
        self._clock = clock

    def check(self, account: str, address: str, device: str = "") -> None:
        """Raise TooManyTries if a limit is reached; cheap, so that a flood is refused before it takes a slot."""
        place = place_of(address, device)
        self._refuse(self._tries.reached(account, place, _limits(account, place), self._clock()))

    def count(self, account: str, address: str, device: str = "") -> None:
        """Count one try for an account, which need not exist; raise TooManyTries if a limit is reached.

        `device`: of a browser in which the account signed in before.
        """
        place = place_of(address, device)
        limits = _limits(account, place)
        self._refuse(self._tries.count(account, place, limits, self._clock(), (WINDOW, KNOWN_LASTS)))

    def success(self, account: str, address: str, device: str = "") -> Success:
        """Return what to remember of a successful sign-in."""
        return Success(account, place_of(address, device), network_of(address), self._clock())

    def _refuse(self, reached: SignInLimitReached | None) -> None:
        if reached is None:
            return
        free_at = reached.at + reached.limit.window
        seconds = max(1, int((free_at - self._clock()).total_seconds()) + 1)
        raise TooManyTries(
            f"Too many sign-ins failed. The next try is possible in {_duration(seconds)}.", retry_after_seconds=seconds
        )


def _limits(account: str, place: str) -> list[TryLimit]:
    """Return the limits for a try; a device, and a place where the account signed in, has only its own."""
    own = TryLimit(PER_USER, WINDOW, account=account, place=place)
    if place.startswith(_DEVICE):
        return [own]
    return [
        own,
        TryLimit(PER_ADDRESS, ADDRESS_WINDOW, place=place, spares_known=True),
        TryLimit(PER_ACCOUNT, ACCOUNT_WINDOW, account=account, without=_DEVICE, spares_known=True),
    ]


class PasswordChecks:
    """Limits how many passwords are checked at once; one address never takes all slots."""

    def __init__(self) -> None:
        self._by_address: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, address: str) -> Iterator[None]:
        """Hold a slot during the block; raise TooManyTries at once if none is free."""
        network = network_of(address)
        with self._lock:
            if self._by_address.total() >= AT_ONCE or self._by_address[network] >= AT_ONCE_PER_ADDRESS:
                raise TooManyTries("Too many sign-ins come at once.", retry_after_seconds=1)
            self._by_address[network] += 1
        try:
            yield
        finally:
            with self._lock:
                self._by_address[network] -= 1
                self._by_address += Counter()  # drops zero counts


def place_of(address: str, device: str) -> str:
    """Return the counter of a try: the known device's, else the address's."""
    return f"{_DEVICE}{device}" if device else network_of(address)


def network_of(address: str) -> str:
    """Return the part of an address that identifies a subscriber: IPv4 in full, 64 bits of IPv6 (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds <= 60 else f"{-(-seconds // 60)} minutes"
