"""The settings of signing in (`sign_in` in config.yaml): the provider, and which of its groups has which role."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from engine.budgets.prices import is_local
from engine.documents.shapes import Misfit
from engine.people.access import ROLES, Role


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RoleClaim(_Part):
    """Which values of a claim give which role."""

    claim: str = Field("groups", min_length=1)
    """Its name, or a path in nested claims such as `realm_access.roles`."""
    owner: list[str] = []
    editor: list[str] = []
    operator: list[str] = []
    viewer: list[str] = []
    others: Role | None = None
    """The role of people with none of these values; without it, they are refused."""

    def values_of(self, role: Role) -> list[str]:
        """Return the values that give a role."""
        values: list[str] = getattr(self, role)
        return values

    @property
    def lets_anybody_in(self) -> bool:
        """Whether anybody can have a role."""
        return self.others is not None or any(map(self.values_of, ROLES))


class SignInRules(_Part):
    """How people sign in: by a provider that speaks OpenID Connect, by password, or both."""

    issuer: str = ""
    """The address of the provider, exactly as the provider writes it; empty: no provider."""
    client_id: str = ""
    client_secret: str = ""
    """`env:NAME` or `secret:NAME`; empty for a public client."""
    name: str = Field("", max_length=40)
    """On the button; empty: the host of the provider."""
    scopes: list[str] = ["openid", "profile", "email"]
    roles: RoleClaim = RoleClaim()
    session_hours: int = Field(12, ge=1, le=336)
    """How long a session that the provider opened lasts. Using it does not extend it."""
    passwords: bool = True
    """Whether passwords are accepted; of people who sign in with a provider, only owners may use theirs."""

    @field_validator("issuer")
    @classmethod
    def _is_safe(cls, issuer: str) -> str:
        if issuer and not is_safe(issuer):
            raise Misfit("must begin with https://", "Write the issuer as the provider does; http:// is for loopback.")
        return issuer

    @field_validator("scopes")
    @classmethod
    def _has_openid(cls, scopes: list[str]) -> list[str]:
        if "openid" not in scopes:
            raise Misfit("must contain openid", "Write `scopes: [openid, profile, email]`.")
        return scopes

    @model_validator(mode="after")
    def _is_complete(self) -> SignInRules:
        if not self.issuer:
            if not self.passwords:
                raise Misfit(
                    "without an issuer leaves no way to sign in", "Name the `issuer`, or leave out `passwords`."
                )
        elif not self.client_id:
            raise Misfit("has an issuer and no client_id", "Register a client at the provider, and write its id.")
        elif not self.roles.lets_anybody_in:
            said = "has no roles, so that nobody could sign in"
            raise Misfit(said, "Write a group for a role, such as `roles: {claim: groups, owner: [orchestra-admins]}`.")
        return self

    @property
    def session_lasts(self) -> timedelta:
        """How long a session that the provider opened lasts."""
        return timedelta(hours=self.session_hours)

    @property
    def shown_name(self) -> str:
        """What people call the provider."""
        return self.name or self.issuer.partition("//")[2].partition("/")[0]


def is_safe(address: str) -> bool:
    """Return whether nobody on the way can change what an address answers: TLS, or this machine."""
    return address.startswith("https://") or (address.startswith("http://") and is_local(address))
