"""Convert an untrusted file to a plain picture in a child process, so that a malicious file can harm only that.

Run as a script: content on stdin; the page number of a PDF, the longest side in pixels and the limits (JSON) as
arguments. On stdout one line of JSON {media_type, width, height, pages}, then the picture. Exits with 2 and a sentence
on stderr if the file cannot be read, with 3 if it has no such page.
"""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_ROOT = str(Path(__file__).resolve().parents[2])
_PIXELS_MOST = 100_000_000
_JPEG_FROM_BYTES = 3_000_000


class UnreadablePicture(Exception):
    """The file cannot be read as a picture."""

    status = 2


class NoSuchPage(UnreadablePicture):
    """The PDF can be read, but has no such page."""

    status = 3


def main() -> int:
    """Read stdin, draw, write stdout; return the exit status."""
    sys.path.append(_ROOT)
    from engine.sandbox.limits import ChildLimits

    ChildLimits(**json.loads(sys.argv[3])).apply()
    try:
        written = _written(sys.stdin.buffer.read(), int(sys.argv[1]), int(sys.argv[2]))
    except UnreadablePicture as error:
        sys.stderr.write(str(error))
        sys.stderr.flush()
        return error.status
    sys.stdout.buffer.write(written)
    sys.stdout.buffer.flush()
    return 0


def _written(content: bytes, page: int, longest_side: int) -> bytes:
    if content.lstrip()[:5] == b"%PDF-":
        image, pages = _drawn(content, page, longest_side)
        form = "PNG"
    else:
        image, form = _opened(content, longest_side)
        pages = 0
    body, form = _encoded(image, form)
    facts = {"media_type": f"image/{form.lower()}", "width": image.width, "height": image.height, "pages": pages}
    return json.dumps(facts).encode() + b"\n" + body


def _drawn(content: bytes, page: int, longest_side: int) -> tuple[Image, int]:
    """Draw a page of a PDF, scaled so that its longer side has that many pixels."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        from engine.sandbox.readers.file_kinds import LOCKED_PDF

        words = LOCKED_PDF if "assword" in str(error) else "The PDF cannot be read."
        raise UnreadablePicture(words) from error
    count = len(document)
    if page > count:
        raise NoSuchPage(f"The PDF has {count} page{'' if count == 1 else 's'}: there is no page {page}.")
    sheet = document[page - 1]
    longer = max(sheet.get_size())
    if not 0 < longer < 1_000_000:
        raise UnreadablePicture(f"Page {page} of the PDF has no size that can be drawn.")
    picture: Image = sheet.render(scale=min(longest_side / longer, 10)).to_pil()
    return picture.convert("RGB"), count


def _opened(content: bytes, longest_side: int) -> tuple[Image, str]:
    """Read the first frame of a picture, upright and scaled down to the limit, without any metadata."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = _PIXELS_MOST
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        opened = Image.open(io.BytesIO(content))
        form = "JPEG" if opened.format == "JPEG" else "PNG"
        opened.draft("RGB", (longest_side, longest_side))  # a JPEG is decoded at a fraction of its size
        image = ImageOps.exif_transpose(opened)
        image = image.convert("RGBA" if form == "PNG" and "A" in image.getbands() else "RGB")
        image.thumbnail((longest_side, longest_side))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise UnreadablePicture(f"The picture has more than {_PIXELS_MOST:,} pixels.") from error
    # What Pillow raises depends on the format: a damaged PNG is a SyntaxError, for example.
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, MemoryError) as error:
        raise UnreadablePicture("The file is neither a readable picture nor a PDF.") from error
    return image, form


def _encoded(image: Image, form: str) -> tuple[bytes, str]:
    body = _saved(image, form)
    if form == "PNG" and len(body) > _JPEG_FROM_BYTES:
        return _saved(image.convert("RGB"), "JPEG"), "JPEG"
    return body, form


def _saved(image: Image, form: str) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **({"quality": 85} if form == "JPEG" else {}))
    return out.getvalue()


if __name__ == "__main__":
    status = main()
    os._exit(status)  # without the libraries' own clean-up, which a broken file may break
