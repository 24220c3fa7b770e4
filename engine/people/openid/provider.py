"""A provider's own description (OpenID Connect Discovery) and its keys, kept for an hour."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from engine.base.clock import Clock
from engine.base.errors import OrchestraError, ProviderFailed
from engine.people.openid.answers import asked, shown
from engine.people.sign_in_rules import SignInRules, is_safe

_DISCOVERY = "/.well-known/openid-configuration"
_FRESH = timedelta(hours=1)  # how long its description and its keys are used
_AFTER_FAILURE = timedelta(seconds=15)
"""How long a provider that failed is not asked again: each sign-in would wait for it, and hold a thread."""
_BETWEEN_KEYS = timedelta(minutes=1)
"""How often the keys may be read again for an unknown one: a token may name any key."""
_MOST_KEYS = 100
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
"""Algorithms with a public key. With HS256, everybody who knows that key could sign."""


class ProviderDescription(Struct, frozen=True):
    """What a provider says about itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    algorithms: Sequence[str]
    names_itself: bool
    """Whether it adds its issuer to what it sends back with the browser (RFC 9207)."""
    secret_in_form: bool
    """Whether it takes the secret of a client in the form only."""


class OpenIdProvider:
    """The provider that the settings name. Thread-safe; one thread at a time asks it."""

    def __init__(self, settings: SignInRules, clock: Clock) -> None:
        self.settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._known: tuple[datetime, ProviderDescription] | None = None
        self._keys: tuple[datetime, Sequence[Mapping[str, Any]]] | None = None
        self._failed: tuple[datetime, OrchestraError] | None = None

    def description(self) -> ProviderDescription:
        """Return what it says about itself. Raises ProviderFailed."""
        with self._lock:
            now = self._clock()
            if self._known is None or now - self._known[0] > _FRESH:
                self._known = now, self._described(now)
            return self._known[1]

    def keys(self, *, after_rotation: bool = False) -> Sequence[Mapping[str, Any]]:
        """Return its public keys as JWKs (RFC 7517). Raises ProviderFailed.

        `after_rotation`: a token names a key that is not among them, so they are read again, at most once a minute.
        """
        address = self.description().jwks_uri
        with self._lock:
            now = self._clock()
            oldest = _BETWEEN_KEYS if after_rotation else _FRESH
            if self._keys is None or now - self._keys[0] > oldest:
                self._keys = now, self._read_keys(address)
            return self._keys[1]

    def _described(self, now: datetime) -> ProviderDescription:
        if self._failed is not None and now - self._failed[0] < _AFTER_FAILURE:
            failed = self._failed[1]
            raise ProviderFailed(failed.message, remedy=failed.remedy)
        try:
            found = _checked(self.settings, asked(self.settings.shown_name, discovery_address(self.settings)))
        except ProviderFailed as error:
            self._failed = now, error
            raise
        self._failed = None
        return found

    def _read_keys(self, address: str) -> Sequence[Mapping[str, Any]]:
        found = asked(self.settings.shown_name, address).get("keys")
        keys = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        # keys for signatures (RFC 7517, 4.2), and none that is a shared secret (RFC 7518, 6.4)
        return [one for one in keys[:_MOST_KEYS] if one.get("use", "sig") == "sig" and one.get("kty") != "oct"]


def discovery_address(settings: SignInRules) -> str:
    """Return where a provider describes itself (OpenID Connect Discovery, 4)."""
    return settings.issuer.rstrip("/") + _DISCOVERY


def _checked(settings: SignInRules, found: Mapping[str, Any]) -> ProviderDescription:
    """Return a provider's description. Raises ProviderFailed if its issuer is another one, or an address is unsafe."""
    issuer = found.get("issuer")
    if issuer != settings.issuer:
        raise ProviderFailed(
            f"{settings.shown_name} calls itself {shown(repr(issuer))}, and sign_in.issuer is {settings.issuer!r}.",
            remedy="Write the issuer in config.yaml exactly as the provider does, if it is the right one.",
        )

    def address(name: str, *, required: bool = False) -> str:
        url = found.get(name)
        is_local_too = settings.issuer.startswith("http://") and is_safe(str(url))
        if isinstance(url, str) and (url.startswith("https://") or is_local_too):
            return url
        if required or url is not None:
            raise ProviderFailed(
                f"{settings.shown_name} has no usable {name}: {shown(repr(url))}.",
                remedy="Correct it at the provider: it must begin with https://.",
            )
        return ""

    # defaults: the first is that of OpenID Connect Discovery, 3, which also requires every provider to support RS256
    methods = _texts(found.get("token_endpoint_auth_methods_supported")) or ["client_secret_basic"]
    offered = _texts(found.get("id_token_signing_alg_values_supported")) or ["RS256"]
    return ProviderDescription(
        authorization_endpoint=address("authorization_endpoint", required=True),
        token_endpoint=address("token_endpoint", required=True),
        jwks_uri=address("jwks_uri", required=True),
        userinfo_endpoint=address("userinfo_endpoint"),
        end_session_endpoint=address("end_session_endpoint"),
        algorithms=[one for one in ALGORITHMS if one in offered],
        names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        secret_in_form="client_secret_basic" not in methods and "client_secret_post" in methods,
    )


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
