"""Validators of fields that ask a client whether it can take a text, such as the name of a table."""

from __future__ import annotations

from collections.abc import Callable

from clients.errors import InvalidRequest
from engine.documents.shapes import Misfit


def checked_by(require: Callable[[str], None]) -> Callable[[str], str]:
    """Return a validator of a text: what `require` refuses (InvalidRequest) does not fit, with the same remedy."""

    def checked(text: str) -> str:
        try:
            require(text)
        except InvalidRequest as error:
            raise Misfit(error.message, error.remedy) from error
        return text

    return checked
