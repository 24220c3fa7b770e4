"""Passwords: stored as Argon2id hashes, and checked in constant time, even for unknown users."""

from __future__ import annotations

import threading
import unicodedata
from typing import TYPE_CHECKING

from engine.base.errors import InvalidInput
from engine.base.threads import shared_property

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 8  # characters; NIST SP 800-63B, 3.1.1.2
LONGEST = 256
_PLACEHOLDER = "nobody has this password"


class Passwords:
    """Makes and checks hashes, with the library's default parameters (RFC 9106, low-memory profile)."""

    def __init__(self) -> None:
        self._turn = threading.Lock()  # each check takes 64 MiB: a burst of sign-ins must not take them at once

    def hash(self, password: str) -> str:
        """Return the hash to store; raise InvalidInput if a password is too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidInput(
                f"The password has {len(password)} characters.",
                remedy=f"Take one of {SHORTEST} to {LONGEST} characters; a few unrelated words are good.",
            )
        with self._turn:
            return self._hasher.hash(_normal(password))

    def fits(self, password: str, stored: str | None) -> bool:
        """Return whether `password` matches the hash `stored`; None takes the same time and never matches."""
        from argon2.exceptions import InvalidHashError, VerificationError

        if len(password) > LONGEST:
            return False
        with self._turn:
            try:
                self._hasher.verify(stored or self._placeholder, _normal(password))
            except (VerificationError, InvalidHashError):  # the second for a damaged row
                return False
        return stored is not None

    @shared_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher()

    @shared_property
    def _placeholder(self) -> str:
        return self._hasher.hash(_PLACEHOLDER)


def _normal(password: str) -> bytes:
    # Two systems may encode the accents of the same word differently (NIST SP 800-63B, 3.1.1.2).
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
