"""What a check of a connection says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clients.errors import AuthError

if TYPE_CHECKING:
    from clients.errors import ServiceError
    from clients.service import Service


@dataclass(frozen=True)
class CheckLine:
    """One line of a check: what was tried, whether it worked, and a sentence, with the remedy if it did not."""

    what: str
    ok: bool
    text: str
    field: str = ""
    """The setting to correct; empty if none is wrong, or it is not known which."""
    is_note: bool = False
    """Whether it only tells a fact, such as when a key ends, or what the account cannot do."""


def failed(service: Service, what: str, error: ServiceError) -> CheckLine:
    """Return the line for an error; a refused account is about its key, unless the error names another setting."""
    key = service.key.setting if service.key and isinstance(error, AuthError) else ""
    return CheckLine(what, ok=False, text=f"{error.message} {error.remedy}".strip(), field=error.field or key)
