"""Keeps the secrets of sign-ins out of the server's access log, which records whole URLs."""

from __future__ import annotations

import logging
import re

_SECRET = re.compile(r"\b((?:token|code|state)=)[^&\s\"]+")


class AccessLogRedaction(logging.Filter):
    """Removes what follows `token=`, `code=` and `state=` from every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record through, without the secret."""
        if isinstance(record.args, tuple):
            record.args = tuple(_cut(value) for value in record.args)
        record.msg = _cut(record.msg)
        return True


def keep_secrets_out() -> None:
    """Install the filter on the server's access log; a second call changes nothing."""
    log = logging.getLogger("uvicorn.access")
    if not any(isinstance(one, AccessLogRedaction) for one in log.filters):
        log.addFilter(AccessLogRedaction())


def _cut(value: object) -> object:
    return _SECRET.sub(r"\1…", value) if isinstance(value, str) else value
