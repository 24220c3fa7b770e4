"""The lines of the server's log, as text or as JSON, with what the logged work belongs to and without secrets."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any, Literal

from clients.secrets import known
from engine.files.log_levels import levels_of
from engine.files.private_lines import PrivateLines
from engine.observing import context

_levels: dict[str, int] = {}
"""What was set, by logger: libraries change the levels of theirs."""


class TextLines(PrivateLines):
    """The lines of all our logs, with `[run_id=… step=…]` at the end."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name in logging
        """Return the line without a traceback."""
        names = " ".join(f"{name}={value}" for name, value in context.current().items())
        return f"{super().formatMessage(record)} [{names}]" if names else super().formatMessage(record)


def set_log_format(log_format: Literal["text", "json"]) -> None:
    """Let the handlers of the root logger write in this format."""
    formatter = lines_of(log_format)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)


def set_log_levels(written: str) -> None:
    """Let loggers write what a text such as `info, httpx=debug` says (`levels_of`)."""
    _levels.clear()
    _levels.update(levels_of(written))
    for logger, level in _levels.items():
        logging.getLogger(logger).setLevel(level)


def set_level_anew(logger: logging.Logger) -> None:
    """Let a logger whose level a library has set write what `set_log_levels` was given, or what the one above does."""
    logger.setLevel(_levels.get(logger.name, logging.NOTSET))


def lines_of(log_format: Literal["text", "json"]) -> logging.Formatter:
    """Return the formatter of lines in this format."""
    return TextLines() if log_format == "text" else json_lines()


def json_lines() -> logging.Formatter:
    """Return a formatter of one JSON object for each record: `timestamp`, `level`, `logger`, `process`, `event`,
    `exception` (a traceback, without the values of variables), and the names of the context.
    """
    from structlog import processors, stdlib  # takes as long as a small command: only who wants JSON waits for it

    from engine.base.json_text import compact  # with pydantic, which the parent of a server does without

    meta = stdlib.ProcessorFormatter.remove_processors_meta
    stamp, traceback = processors.TimeStamper(fmt="iso", utc=True), processors.format_exc_info
    render = processors.JSONRenderer(serializer=lambda line, **_: compact(line))
    return stdlib.ProcessorFormatter(
        foreign_pre_chain=[stdlib.add_logger_name, stdlib.add_log_level],
        processors=[_with_names, meta, stamp, traceback, _private, render],
    )


def _with_names(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the process that wrote the record, and what its work belongs to."""
    line["process"] = line["_record"].process
    line.update(context.current())
    return line


def _private(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact known secrets."""
    return {name: known.in_text(value) if isinstance(value, str) else value for name, value in line.items()}
