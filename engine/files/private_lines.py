"""Keep the secrets of connections out of log lines, whoever writes them and whatever a traceback contains."""

from __future__ import annotations

import logging

from clients.secrets import known

FORM = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


class PrivateLines(logging.Formatter):
    """Formats records as in all our logs, and redacts known secrets."""

    def __init__(self) -> None:
        super().__init__(FORM)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with its traceback."""
        return known.in_text(super().format(record))


def private(text: str) -> str:
    """Return details to be stored, such as a traceback, with known secrets redacted."""
    return known.in_text(text)
