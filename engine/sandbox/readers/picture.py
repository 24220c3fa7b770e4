"""Pictures: their size and what the camera wrote; the place where they were taken only if it is asked for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from engine.sandbox.readers.file_kinds import FileKind
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.texts import TextBuilder

_PIXELS_MOST = 100_000_000
# Tags of TIFF 6.0; below, where the parts of Exif and GPS are, and DateTimeOriginal (Exif 2.32, 4.6).
_NAMES = {271: "camera_maker", 272: "camera", 305: "program", 306: "modified_at", 315: "author", 270: "title"}
_EXIF, _GPS, _TAKEN = 0x8769, 0x8825, 36867
_SIDES = {1: ("N", 2), 3: ("E", 4)}


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextBuilder) -> None:
    """Take no text: a picture needs OCR."""
    del kind, options
    _opened(source).close()
    into.pages, into.needs_ocr = 1, True


def facts(source: SourceFile, kind: FileKind) -> dict[str, Any]:
    """Return the size, and what the picture says about itself; `location` is {latitude, longitude}."""
    del kind
    with _opened(source) as image:
        found: dict[str, Any] = {"width": image.width, "height": image.height, "pages": getattr(image, "n_frames", 1)}
        try:
            told = image.getexif()
            found |= {name: str(told[tag])[:500].strip("\0 ") for tag, name in _NAMES.items() if told.get(tag)}
            taken = told.get_ifd(_EXIF).get(_TAKEN)
            place = _place(told.get_ifd(_GPS))
        except (ValueError, TypeError, KeyError, OSError, SyntaxError, ZeroDivisionError, IndexError):
            return found
    return found | ({"taken_at": str(taken)[:50]} if taken else {}) | ({"location": place} if place else {})


def _opened(source: SourceFile) -> Any:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = _PIXELS_MOST
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        return Image.open(source.content)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise FileRefused(f"The picture has more than {_PIXELS_MOST:,} pixels.") from error
    # What Pillow raises depends on the format: a damaged PNG is a SyntaxError, for example.
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError) as error:
        raise FileRefused("The picture is damaged.") from error


def _place(gps: Mapping[int, Any]) -> dict[str, float] | None:
    """Return degrees, north and east positive, from degrees, minutes and seconds (Exif 2.32, 4.6.6)."""
    try:
        found = [_degrees(gps[at]) * (1 if gps[side] == positive else -1) for side, (positive, at) in _SIDES.items()]
    except KeyError:
        return None
    return {"latitude": round(found[0], 6), "longitude": round(found[1], 6)}


def _degrees(three: Any) -> float:
    degrees, minutes, seconds = (float(one) for one in three)
    return degrees + minutes / 60 + seconds / 3600
