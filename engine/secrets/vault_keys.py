"""The keys of the vault: from ORCHESTRA_SECRET_KEY, or from a private file that is made at first use.

Where several machines share the secrets, only a key from the environment seals: only one machine would have a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from engine.base.errors import SecretLost, StorageError
from engine.files.atomic import exclusive, write_whole

VARIABLE = "ORCHESTRA_SECRET_KEY"
FILE = "secret.key"
_MAKE_ONE = "`python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'` makes one."
_NOT_GIVEN = f"Kept secrets are in the state on a server, and this process has no key to them: {VARIABLE} is not set."
_GIVE_ALL = f"Give every process of the workspace the same {VARIABLE}. {_MAKE_ONE}"


class VaultKeys:
    """Fernet keys (https://cryptography.io/en/latest/fernet/), newest first: the first encrypts, all decrypt."""

    def __init__(self, state_dir: Path, environment: Mapping[str, str], *, is_shared: bool = False) -> None:
        self.file, self._is_shared = state_dir / FILE, is_shared
        self._given = [key.strip() for key in environment.get(VARIABLE, "").split(",") if key.strip()]

    @property
    def is_given(self) -> bool:
        """Whether the environment has a key."""
        return bool(self._given)

    @property
    def place(self) -> str:
        """The source of the encryption key, in words."""
        return VARIABLE if self._given or self._is_shared else str(self.file)

    def gone(self) -> SecretLost:
        """Return the error of a process that has no key at all."""
        if self._is_shared:
            return SecretLost(_NOT_GIVEN, remedy=_GIVE_ALL)
        return SecretLost(f"The key that opens kept secrets is gone: {self.place} is not there.")

    def all(self) -> list[str]:
        """Return every key that may decrypt something, newest first. Raises SecretLost for an invalid key."""
        return [_checked(key, VARIABLE) for key in self._given] + self._filed()

    def for_sealing(self) -> list[str]:
        """Return the keys, creating the first one if needed. Raises SecretLost, StorageError."""
        found = self.all()
        if self._is_shared and not self._given:
            raise self.gone()
        if found:
            return found
        with self._changing():  # if two processes start at once, only one makes the key
            return self._filed() or self._replaced([_new_key()])

    def with_new(self) -> list[str]:
        """Add a new key before the ones in the file and return them all; keys from the environment are unchanged."""
        if self._given or self._is_shared:
            return self.for_sealing()
        with self._changing():
            return self._replaced([_new_key(), *self._filed()])

    def drop_old(self) -> None:
        """Delete every key except the current one: nothing is encrypted with the others."""
        with self._changing():
            if self._given:  # the first of these seals; the file had earlier keys
                self.file.unlink(missing_ok=True)
            else:
                self._replaced(self._filed()[:1])

    def _changing(self) -> AbstractContextManager[None]:
        return exclusive(self.file.with_name(f"{FILE}.lock"))

    def _replaced(self, keys: list[str]) -> list[str]:
        write_whole(self.file, "".join(f"{key}\n" for key in keys), mode=0o600)
        return keys

    def _filed(self) -> list[str]:
        try:
            lines = self.file.read_text(encoding="ascii").split()
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise StorageError(f"{self.file} cannot be read: {type(error).__name__}.") from None
        return [_checked(line, str(self.file)) for line in lines]


def _new_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def _checked(key: str, place: str) -> str:
    from cryptography.fernet import Fernet

    try:
        Fernet(key)
    except ValueError:
        raise SecretLost(f"What {place} holds is no key for secrets: that is 44 letters.", remedy=_MAKE_ONE) from None
    return key
