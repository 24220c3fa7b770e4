"""What a program with an API token may change of a connection: nothing that decides where it leads.

Otherwise, whoever finds a token would get the machine (a folder such as `~/.ssh`, a program) or the keys of others: by
another address for a connection that has one, or by a connection of their own that names it (`secret:…`, `env:…`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.service import Service
from engine.people.access import Principal, require_person
from engine.workspace.secret import kept_names, references


def require_leads_nowhere_else(
    p: Principal, service: Service, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Raise NotAllowed if a program changes a setting of a connection to `service` that only people give.

    `before` and `after`: all its settings, with references to secrets, and new secrets as SecretStr or text.
    """
    for name in sorted({*before, *after}):
        given = after.get(name)
        if before.get(name) == given:
            continue
        if not service.is_given_by_programs(name):
            require_person(
                p, f"set `{name}` of a connection to {service.title}: it decides where that leads, or what it may use"
            )
        if references(given) or kept_names(given):
            require_person(p, f"give `{name}` of a connection by the name of a secret or a variable")
