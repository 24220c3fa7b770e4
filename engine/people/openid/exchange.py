"""The way to the provider and back: where the browser is sent, and whom its code is for (OpenID Connect Core, 3.1)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from engine.base.errors import ProviderFailed, SignInRefused
from engine.people.openid.answers import asked, shown
from engine.people.openid.id_token import ExpectedToken, UnknownKey, claims_of
from engine.people.openid.provider import OpenIdProvider
from engine.people.openid.roles import claim_values


def way_there(provider: OpenIdProvider, redirect_uri: str, *, state: str, nonce: str, verifier: str) -> str:
    """Return the address at the provider where a person signs in. Raises ProviderFailed."""
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    settings = provider.settings
    url: str = prepare_grant_uri(
        provider.description().authorization_endpoint,
        client_id=settings.client_id,
        response_type="code",
        redirect_uri=redirect_uri,
        scope=" ".join(settings.scopes),
        state=state,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    return url


def code_of(provider: OpenIdProvider, answer: Mapping[str, str]) -> str:
    """Return the code that the browser brings back. Raises SignInRefused, ProviderFailed."""
    settings = provider.settings
    issuer = answer.get("iss")
    if issuer is None and provider.description().names_itself:
        raise SignInRefused(f"{settings.shown_name} did not say that the answer is its own.")
    if issuer not in (None, settings.issuer):  # RFC 9207: an answer of another provider
        raise SignInRefused(f"The answer comes from another provider ({shown(issuer)}).")
    if error := answer.get("error"):
        raise SignInRefused(f"{settings.shown_name} did not sign you in: {shown(error)}.")
    if not answer.get("code"):
        raise SignInRefused(f"{settings.shown_name} sent no code.")
    return answer["code"]


def person_of(
    provider: OpenIdProvider, secret: str, form: Mapping[str, str], nonce: str, now: Callable[[], datetime]
) -> dict[str, Any]:
    """Return the claims about the person whom a code is for. Raises SignInRefused, ProviderFailed.

    `form` has `code`, `redirect_uri` and `code_verifier`.
    """
    settings, description = provider.settings, provider.description()
    tokens = _tokens(provider, secret, form)
    access_token = str(tokens.get("access_token") or "")
    expected = ExpectedToken(settings.issuer, settings.client_id, nonce, description.algorithms, access_token)
    id_token = str(tokens.get("id_token") or "")
    if not id_token:
        raise SignInRefused(
            f"{settings.shown_name} sent no ID token.", remedy="Allow this client the scope openid there."
        )
    try:
        claims = claims_of(id_token, provider.keys(), expected, now())
    except UnknownKey:
        claims = claims_of(id_token, provider.keys(after_rotation=True), expected, now())
    if claim_values(claims, settings.roles.claim) or not (description.userinfo_endpoint and access_token):
        return claims
    return {**_more(provider, access_token, claims["sub"]), **claims}  # the signed claims win


def _tokens(provider: OpenIdProvider, secret: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Return what the token endpoint gives for a code."""
    settings, description = provider.settings, provider.description()
    sent, headers = {"grant_type": "authorization_code", **form}, {}
    if secret and not description.secret_in_form:
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"  # RFC 6749, 2.3.1
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        sent |= {"client_id": settings.client_id, **({"client_secret": secret} if secret else {})}
    found = asked(settings.shown_name, description.token_endpoint, form=sent, headers=headers, refusals=True)
    if found.get("error") in ("invalid_client", "unauthorized_client"):
        raise ProviderFailed(
            f"{settings.shown_name} does not accept this client: {shown(found['error'])}.",
            remedy="Correct `client_id` and `client_secret` under `sign_in` in config.yaml.",
        )
    if error := found.get("error"):
        raise SignInRefused(f"{settings.shown_name} does not accept the code: {shown(error)}.")
    return found


def _more(provider: OpenIdProvider, access_token: str, subject: str) -> dict[str, Any]:
    """Return the claims of the userinfo endpoint, which must be about the same person."""
    settings = provider.settings
    bearer = {"Authorization": f"Bearer {access_token}"}
    found = asked(settings.shown_name, provider.description().userinfo_endpoint, headers=bearer)
    if found.get("sub") != subject:  # OpenID Connect Core, 5.3.2
        raise SignInRefused(f"{settings.shown_name} names two people in one sign-in.")
    return found
