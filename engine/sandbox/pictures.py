"""Pictures for a model: convert an untrusted picture or PDF page to a plain picture of limited size."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from msgspec import Struct

from clients.errors import InvalidRequest
from engine.sandbox import child
from engine.sandbox.limits import ChildLimits

LONGEST_SIDE = 2048
"""Pixels: models scale down larger pictures anyway (https://platform.openai.com/docs/guides/images-vision)."""
FILE_BYTES_MOST = 30 * 1024 * 1024
_LIMITS = ChildLimits(memory_bytes=2 * 1024**3, cpu_seconds=20, wall_seconds=30.0, answer_bytes=64 * 1024 * 1024)
_OTHER_FILE = "Give a PNG, JPEG, GIF, WebP, BMP or TIFF picture, or a PDF."
_REMEDIES = {2: _OTHER_FILE, 3: "Give a `page` that it has; the first one is 1."}
"""Remedies by the exit status of a child that gave a reason."""
_CHILD = Path(__file__).with_name("picture_child.py")


class Picture(Struct, frozen=True):
    """A picture that any model can read; `pages` is the number of pages of its PDF, or 0."""

    content: bytes
    media_type: str
    width: int
    height: int
    pages: int


def picture(content: bytes, page: int = 1) -> Picture:
    """Draw a page of a PDF, or read a picture; scale it down if it is too large. Blocking.

    Raises InvalidRequest, with the reason, if the file has no such picture.
    """
    if len(content) > FILE_BYTES_MOST:
        raise _refused(f"The file has {len(content):,} bytes; at most {FILE_BYTES_MOST:,} are read.")
    with child.turn:
        script = [str(_CHILD), str(page), str(LONGEST_SIDE), json.dumps(asdict(_LIMITS))]
        ended = child.ended(script, _LIMITS, content=content)
    if ended.reason == "time":
        raise _refused(f"The file was not read within {_LIMITS.wall_seconds:g} s.")
    if ended.status != 0 or ended.reason:
        said = ended.said if ended.status in _REMEDIES else ""
        remedy = _REMEDIES.get(ended.status, _OTHER_FILE)
        raise _refused(said or "The file broke the program that reads pictures.", remedy)
    facts, _, body = ended.out.partition(b"\n")
    return Picture(content=body, **json.loads(facts))


def _refused(said: str, remedy: str = _OTHER_FILE) -> InvalidRequest:
    return InvalidRequest(said, remedy=remedy)
