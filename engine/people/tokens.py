"""Access tokens of the REST API: signed, short-lived, and worthless once the user's password has changed."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from engine.clock import Clock
from engine.errors import InvalidInput, StorageError
from engine.workspace.files import storage_errors, sync_folder

SECRET_VARIABLE = "ORCHESTRA_TOKEN_SECRET"  # noqa: S105 - the name of it, not the secret
TOKEN_LASTS = timedelta(hours=1)
_SECRET_BYTES = 32  # RFC 7518, 3.2: an HS256 key is at least as long as the hash
_ISSUER = "orchestra"
_AUDIENCE = "orchestra-api"
# A token of ours has this header and no other: no `kid`, `jwk`, `jku` or `crit` can have a meaning (RFC 8725, 3).
_HEADER = {"alg": "HS256", "typ": "at+jwt"}
_CLAIMS = ["iss", "aud", "sub", "jti", "iat", "exp", "pwd"]
_LONGEST_TOKEN = 2_048


@dataclass(frozen=True)
class Claim:
    """What a token with a good signature says: who, and under which password it was given out."""

    user_id: str
    password_mark: str


class Tokens:
    """Signs tokens and reads them back."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def issue(self, user_id: str, password_hash: str) -> str:
        """Return a JWT for one hour (RFC 7519, header type of RFC 9068)."""
        import jwt

        now = int(self._clock().timestamp())
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + int(TOKEN_LASTS.total_seconds()),
            "pwd": self.password_mark(password_hash),
        }
        return jwt.encode(claims, self._secret, algorithm="HS256", headers=_HEADER)

    def read(self, token: str) -> Claim | None:
        """Return what `token` says if we signed it and it is not expired, else None."""
        import jwt

        if len(token) > _LONGEST_TOKEN:
            return None
        try:
            if jwt.get_unverified_header(token) != _HEADER:
                return None
            claims = self._decoded(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None
        return Claim(claims["sub"], claims["pwd"]) if self._is_current(claims) else None

    def password_mark(self, password_hash: str) -> str:
        """Return what ties a token to a password without telling its hash."""
        return hmac.new(self._secret, password_hash.encode(), hashlib.sha256).hexdigest()[:32]

    def _decoded(self, token: str) -> dict[str, Any]:
        import jwt

        # Times are checked against our own clock below.
        options: Any = {"require": _CLAIMS, "verify_exp": False, "verify_iat": False}
        return jwt.decode(
            token, self._secret, algorithms=["HS256"], audience=_AUDIENCE, issuer=_ISSUER, options=options
        )

    def _is_current(self, claims: dict[str, Any]) -> bool:
        texts = all(isinstance(claims[name], str) for name in ("sub", "jti", "pwd"))
        times = all(type(claims[name]) is int for name in ("iat", "exp"))
        return texts and times and claims["iat"] <= self._clock().timestamp() < claims["exp"]


def token_secret(folder: Path) -> bytes:
    """Return the secret from ORCHESTRA_TOKEN_SECRET, else from `folder`/token.key, made (0600) where it is missing.

    Raises InvalidInput for a variable under 32 bytes, StorageError for a file that others may read or that is short.
    """
    given = os.environ.get(SECRET_VARIABLE)
    if given is not None:
        return _long_enough(given.encode())
    path = folder / "token.key"
    if not path.exists() and not path.is_symlink():
        _make(path)
    return _read(path)


def _long_enough(secret: bytes) -> bytes:
    if len(secret) < _SECRET_BYTES:
        raise InvalidInput(
            f"{SECRET_VARIABLE} has {len(secret)} bytes; a secret needs {_SECRET_BYTES} or more.",
            remedy="Make one with `openssl rand -hex 32`, or leave the variable unset: a file is made then.",
        )
    return secret


def _make(path: Path) -> None:
    """Write a new secret whole, or leave the one that another process wrote first."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with storage_errors(path):
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(handle, "wb") as stream:  # noqa: PTH123 - a handle, not a path
                stream.write(secrets.token_bytes(_SECRET_BYTES))
                stream.flush()
                os.fsync(stream.fileno())
            _link(temporary, path)
        finally:
            temporary.unlink()
        sync_folder(path.parent)


def _link(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)  # unlike a rename, this never replaces a file
    except FileExistsError:
        return


def _read(path: Path) -> bytes:
    with storage_errors(path):
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with open(handle, "rb") as stream:  # noqa: PTH123 - a handle, not a path
            mode = stat.S_IMODE(os.fstat(handle).st_mode)
            secret = stream.read(4_096)
    if mode & 0o077 and os.name != "nt":
        raise StorageError(
            f"{path} may be read or written by others (its mode is {mode:04o}).",
            remedy=f"Delete it, and a new secret is made; programs then sign in again. Or: chmod 600 {path}",
        )
    if len(secret) < _SECRET_BYTES:
        raise StorageError(
            f"{path} holds {len(secret)} bytes instead of {_SECRET_BYTES}.",
            remedy="Delete it, and a new secret is made; programs then sign in again.",
        )
    return secret
