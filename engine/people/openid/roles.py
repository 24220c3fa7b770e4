"""The role of a person, from what the provider says about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.people.access import ROLES, Role
from engine.people.sign_in_rules import RoleClaim


def role_of(claims: Mapping[str, Any], rules: RoleClaim) -> Role | None:
    """Return the most powerful role that the claim gives, else the role of all others, if any."""
    values = claim_values(claims, rules.claim)
    return next((role for role in ROLES if values.intersection(rules.values_of(role))), rules.others)


def claim_values(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """Return the texts of a claim: a text, or a list of them. `claim` is its name, or a path with dots."""
    found: Any = claims.get(claim)
    if found is None:  # some names have dots themselves, such as https://example.org/roles
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    texts = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(one for one in texts if isinstance(one, str))
