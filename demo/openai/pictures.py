"""The pictures in a chat request, validated as by the API; the model does not see them, but reads their headers."""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.service import Refused

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MOST_BYTES = 50 * 1024 * 1024
"""Per request, https://platform.openai.com/docs/guides/images-vision."""
_TILE = 512
_UNSUPPORTED = (
    "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
    "['png', 'jpeg', 'gif', 'webp']."
)


@dataclass(frozen=True)
class PictureHeader:
    """The header of a picture file."""

    form: str
    width: int
    height: int
    size_bytes: int

    @property
    def tokens(self) -> int:
        """The token count: 85, plus 170 for each square of 512 pixels."""
        # https://platform.openai.com/docs/guides/images-vision#calculating-costs, without scaling down large pictures.
        return 85 + 170 * math.ceil(self.width / _TILE) * math.ceil(self.height / _TILE)


def pictures_in(messages: Sequence[Mapping[str, Any]]) -> tuple[PictureHeader, ...]:
    """Return the pictures in order; raises Refused for unsupported ones."""
    found = tuple(_read(url) for message in messages for url in _urls(message))
    if sum(each.size_bytes for each in found) > MOST_BYTES:
        raise _bad("Total image data size exceeds the limit of 50 MB.", "image_too_large")
    return found


def told(pictures: Sequence[PictureHeader]) -> str:
    """Return an honest answer: what the headers say, without a look at the pictures."""
    lines = [
        f"- Picture {number}: {each.form}, {each.width} x {each.height} pixels, {each.size_bytes:,} bytes."
        for number, each in enumerate(pictures, 1)
    ]
    words = "This is the demo's stand-in for a model: it cannot see. All that it knows of what it was shown:"
    return "\n".join([words, *lines])


def _urls(message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if isinstance(part, Mapping) and part.get("type") == "image_url":
            given = part.get("image_url")
            url = given.get("url") if isinstance(given, Mapping) else None
            if not isinstance(url, str):
                raise _bad("Invalid type for 'image_url.url': expected a string.", "invalid_type")
            yield url


def _read(url: str) -> PictureHeader:
    from PIL import Image, UnidentifiedImageError

    head, comma, data = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64") or not comma:
        raise _bad("Failed to download the image: the demo's stand-in fetches none.", "invalid_image_url")
    try:
        content = base64.b64decode(data, validate=True)
        # Reads the header only: the pixels are never decoded.
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise _bad(_UNSUPPORTED, "invalid_image_format") from error
    return PictureHeader(str(image.format), image.width, image.height, len(content))


def _bad(message: str, code: str) -> Refused:
    error = {"message": message, "type": "invalid_request_error", "param": "messages", "code": code}
    return Refused(400, message, error=error)
