"""The secret that signs tokens and links: one machine's, or for several machines, sealed in the state they share."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from engine.people.tokens import SECRET_VARIABLE, token_secret
from engine.secrets.vault import StoredSecret, Vault

_NAME = "ORCHESTRA.token-secret"
"""No connection has such a name: connections are written in small letters."""
_BYTES = 32  # RFC 7518, 3.2: an HS256 key is at least as long as the hash


def signing_secret(state_dir: Path, vault: Vault) -> bytes:
    """Return ORCHESTRA_TOKEN_SECRET, else what a shared vault keeps, else what the file `token.key` has.

    The first process makes it. Without a key for the vault, each machine has its own. Raises as `token_secret`, and
    SecretLost for another key.
    """
    is_vaulted = vault.texts.is_shared and vault.keys.is_given and SECRET_VARIABLE not in os.environ
    if not is_vaulted:
        return token_secret(state_dir)
    return bytes.fromhex(vault.keep_first(_NAME, lambda: StoredSecret(secrets.token_hex(_BYTES))).value)
