"""Pictures from outside: one plain picture of a bounded size, or a sentence that says why not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from clients.errors import InvalidRequest
from engine.sandbox import pictures
from engine.sandbox.pictures import FILE_BYTES_MOST, LONGEST_SIDE, picture

GPS = 0x8825


def written(form: str, size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 200 if mode == "L" else None).save(out, form, **options)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        pytest.param(written("PNG"), "image/png", id="png"),
        pytest.param(written("PNG", mode="RGBA"), "image/png", id="see-through"),
        pytest.param(written("JPEG"), "image/jpeg", id="jpeg"),
        pytest.param(written("WEBP"), "image/png", id="webp"),
        pytest.param(written("GIF"), "image/png", id="gif"),
        pytest.param(written("BMP"), "image/png", id="bmp"),
        pytest.param(written("TIFF", mode="L"), "image/png", id="grey tiff"),
    ],
)
def test_a_picture_becomes_one_that_every_model_reads(content: bytes, media_type: str) -> None:
    made = picture(content)
    assert (made.media_type, made.width, made.height, made.pages) == (media_type, 40, 20, 0)
    assert opened(made.content).size == (40, 20)


def test_a_large_picture_is_made_smaller() -> None:
    made = picture(written("JPEG", (5000, 1000)))
    assert (made.width, made.height) == (LONGEST_SIDE, round(LONGEST_SIDE / 5))


def test_a_page_of_a_pdf_is_drawn() -> None:
    out = io.BytesIO()
    Image.new("RGB", (200, 100), "red").save(out, "PDF", save_all=True, append_images=[Image.new("RGB", (100, 200))])
    first, second = picture(out.getvalue(), 1), picture(out.getvalue(), 2)
    assert (first.media_type, first.pages, second.pages) == ("image/png", 2, 2)
    assert first.width > first.height
    assert second.width < second.height
    assert max(first.width, second.height) <= LONGEST_SIDE
    with pytest.raises(InvalidRequest, match=r"2 pages: there is no page 3") as refused:
        picture(out.getvalue(), 3)
    assert refused.value.remedy == "Give a `page` that it has; the first one is 1."


def test_where_and_with_what_a_picture_was_taken_stays_here() -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif.get_ifd(GPS)[1] = "N"
    original = written("JPEG", exif=exif)
    assert b"A camera" in original
    made = picture(original)
    assert b"A camera" not in made.content
    assert not opened(made.content).getexif()


def test_a_picture_on_its_side_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = picture(written("JPEG", (40, 20), exif=exif))
    assert (made.width, made.height) == (20, 40)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _bomb() -> bytes:
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(b"\0" * 1000))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "readable picture", id="nothing"),
        pytest.param(b"Hello", "readable picture", id="a text"),
        pytest.param(b"%PDF-1.4\nnot one", "PDF cannot be read", id="no pdf"),
        pytest.param(written("PNG")[:60], "readable picture", id="cut"),
        pytest.param(_bomb(), "pixels", id="a bomb"),
    ],
)
def test_what_gives_no_picture_says_why(content: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as caught:
        picture(content)
    assert caught.value.outcome == "not_done"


def test_a_file_that_is_too_large_is_not_opened() -> None:
    with pytest.raises(InvalidRequest, match="at most"):
        picture(b"\0" * (FILE_BYTES_MOST + 1))


def test_a_file_that_kills_its_reader_is_told_and_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "child.py"
    child.write_text("import os, sys\nprint(dict(os.environ), file=sys.stderr)\nos.abort()\n")
    monkeypatch.setattr(pictures, "_CHILD", child)
    with pytest.raises(InvalidRequest, match="broke the program that reads pictures"):
        picture(written("PNG"))


def test_the_reader_gets_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "child.py"
    child.write_text("import os, sys\nsys.stderr.write(' '.join(os.environ))\nsys.stderr.flush()\nos._exit(2)\n")
    monkeypatch.setattr(pictures, "_CHILD", child)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with pytest.raises(InvalidRequest) as caught:
        picture(written("PNG"))
    assert "OPENAI_API_KEY" not in caught.value.message
