"""How much is written to a log: one level for this program, others for single loggers."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
OURS = ("api", "clients", "commands", "dashboard", "engine")
_LOGGER = re.compile(r"\w+(?:\.\w+)*")


def levels_of(written: str) -> Mapping[str, int]:
    """Return the level of each logger that a text such as `info, engine.runner=debug, httpx=info` names.

    A level without a logger is for this program. Libraries, whose logger is "", then write only warnings, since their
    finer lines may show what they send; they write less if the program does. Raises ValueError.
    """
    ours, named = logging.WARNING, {}
    for part in written.split(","):
        logger, sign, word = (one.strip() for one in part.rpartition("="))
        if word not in LEVELS or (sign and not _LOGGER.fullmatch(logger)):
            raise ValueError(part.strip())
        if sign:
            named[logger] = LEVELS[word]
        else:
            ours = LEVELS[word]
    return {"": max(ours, logging.WARNING), **dict.fromkeys(OURS, ours), **named}
