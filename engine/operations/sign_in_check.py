"""Check the sign-in provider: whether it answers, this machine's clock, and which addresses to register there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from clients.check_line import CheckLine
from clients.wording import counted
from engine.base.clock import Clock
from engine.base.errors import OrchestraError
from engine.people.access import Principal
from engine.people.openid.provider import OpenIdProvider, discovery_address
from engine.people.openid.sign_in import REDIRECT_PATH, SIGNED_OUT_PATH, OpenIdSignIn
from engine.people.operation import operation
from engine.workspace.config import LoadedConfig, ServerSettings

_SECONDS = 20.0


class SignInCheck:
    """Checks what `sign_in` in config.yaml says."""

    def __init__(self, openid: OpenIdSignIn, loaded: LoadedConfig, clock: Clock) -> None:
        self._openid, self._loaded, self._clock = openid, loaded, clock

    @operation("sign_in.check", "view", "check the sign-in provider", "Check the sign-in provider")
    def check(self, p: Principal) -> list[CheckLine]:
        """Return line by line what works; nothing if there is no provider. Raises NotAllowed."""
        return list(self._lines()) if self._openid.is_on else []

    def _lines(self) -> Iterator[CheckLine]:
        from clients.transport import deadline, http_client
        from engine.connections.reach import reach

        settings = self._openid.settings
        with deadline(_SECONDS):
            with http_client() as http:
                reached = list(reach(http, discovery_address(settings), self._clock))
            for line in reached:
                yield replace(line, field="sign_in.issuer" if line.field else "")
            if all(line.ok for line in reached if line.what == "reachable"):
                yield from self._described(OpenIdProvider(settings, self._clock))
        yield from self._secret()
        yield from self._addresses(self._loaded.config.server)

    def _described(self, provider: OpenIdProvider) -> Iterator[CheckLine]:
        try:
            algorithms, keys = provider.description().algorithms, provider.keys()
        except OrchestraError as error:
            yield CheckLine("provider", ok=False, text=f"{error.message} {error.remedy}")
            return
        if not algorithms or not keys:
            text = "None of its keys can be used. Choose RS256 there: a signature by a shared secret is not accepted."
            yield CheckLine("provider", ok=False, text=text)
            return
        name = provider.settings.shown_name
        said = f"{name} signs with {', '.join(algorithms)}, and has {counted(len(keys), 'key')}."
        yield CheckLine("provider", ok=True, text=said)

    def _secret(self) -> Iterator[CheckLine]:
        try:
            has_secret = bool(self._loaded.sign_in_secret)
        except OrchestraError as error:
            yield CheckLine("client secret", ok=False, text=f"{error.message} {error.remedy}")
            return
        said = (
            "It is set." if has_secret else "No client secret is set: the client must be a public one at the provider."
        )
        yield CheckLine("client secret", ok=True, text=said)

    def _addresses(self, server: ServerSettings) -> Iterator[CheckLine]:
        here = server.public_url or f"http://{server.host}:{server.port}"
        only = "" if server.public_url else " Behind a proxy, set server.public_url."
        yield CheckLine("redirect URI", ok=True, text=f"Register {here}{REDIRECT_PATH} at the provider.{only}")
        yield CheckLine(
            "after signing out",
            ok=True,
            text=f"Register {here}{SIGNED_OUT_PATH} there as the post logout redirect URI.",
        )
