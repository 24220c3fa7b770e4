"""Words in pictures and scanned pages, read by the program tesseract, which inherits the limits of this process."""

from __future__ import annotations

import csv
import io
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from clients.wording import counted
from engine.sandbox.readers.file_kinds import FileKind
from engine.sandbox.readers.pdf import opened
from engine.sandbox.readers.scans.rows import in_rows
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.texts import wanted_pages

_DPI = 300  # what tesseract wants at least (tessdoc, ImproveQuality)
_PIXELS_MOST = 40_000_000
_SIDE_MOST = 10_000
_TURNED, _AS_IT_IS = 1, 3
"""Layouts: the first finds out how a page is turned, and may be wrong where there is little text, or noise."""
_CERTAIN_FROM, _SURE = 60, 0.5
_WORD = "5"
"""The level of a word in tesseract's table."""


def recognized(source: SourceFile, kind: FileKind, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return {text, words, confidence, pages, truncated}. Raises FileRefused for what is not a picture and no PDF."""
    words: list[dict[str, Any]] = []
    texts: list[str] = []
    count, left = 0, 0
    for number, total, image in _pages(source, kind, options):
        count = total
        if len(texts) >= options["most_pages"]:
            left += 1
            continue
        found = in_rows(_best(image, number, options))
        texts.append(_text(found))
        words += found
    weights = [len(word["text"]) for word in words]
    mean = sum(word["confidence"] * weight for word, weight in zip(words, weights, strict=True)) / max(sum(weights), 1)
    facts = {"confidence": round(mean, 1), "pages": count, "truncated": left > 0}
    plain = [{name: one for name, one in word.items() if name != "line"} for word in words]
    return {"text": "\n\n".join(texts).strip(), "words": plain, **facts}


def _pages(source: SourceFile, kind: FileKind, options: Mapping[str, Any]) -> Iterator[tuple[int, int, bytes]]:
    """Yield (number, how many there are, PNG) of the pages that were asked for."""
    if kind.name == "picture":
        yield 1, 1, _picture(source)
        return
    if kind.name != "pdf":
        raise FileRefused(f"It is a {kind.words}: give a picture or a PDF.")
    with closing(opened(source)) as document:
        wanted = wanted_pages(options["pages"], len(document))
        if not wanted:
            raise FileRefused(f"The PDF has {counted(len(document), 'page')}: none of those that were asked for.")
        for at, number in enumerate(wanted):
            drawn = _drawn(document[number - 1]) if at < options["most_pages"] else b""
            yield number, len(document), drawn


def _drawn(page: Any) -> bytes:
    width, height = page.get_size()
    if not 0 < max(width, height) < 100_000:
        raise FileRefused("A page has no size that can be drawn.")
    scale = min(_DPI / 72, _SIDE_MOST / max(width, height))
    return _png(page.render(scale=scale, grayscale=True).to_pil())


def _picture(source: SourceFile) -> bytes:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = _PIXELS_MOST
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        return _png(ImageOps.exif_transpose(Image.open(source.content)).convert("L"))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise FileRefused(f"The picture has more than {_PIXELS_MOST:,} pixels.") from error
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError) as error:  # as in picture.py
        raise FileRefused("The picture is damaged.") from error


def _png(image: Any) -> bytes:
    made = io.BytesIO()
    image.convert("L").save(made, "PNG", dpi=(_DPI, _DPI), compress_level=1)  # it is read once, and thrown away
    return made.getvalue()


def _best(image: bytes, page: int, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the words of a page. If few are certain, read it as it is, too, and without noise, and return the best."""
    best: list[dict[str, Any]] = []
    for drawn, layout in _attempts(image, options["layout"]):
        found = list(_words(drawn, page, {**options, "layout": layout}))
        best = max(best, found, key=_certain)
        if best and _certain(best) > _SURE * len(best):
            break
    return best or found


def _attempts(image: bytes, layout: int) -> Iterator[tuple[bytes, int]]:
    """Yield (PNG, layout) in the order in which they are tried."""
    from PIL import Image, ImageFilter

    as_it_is = _AS_IT_IS if layout == _TURNED else layout
    yield image, layout
    if layout == _TURNED:
        yield image, as_it_is
    yield _png(Image.open(io.BytesIO(image)).filter(ImageFilter.MedianFilter(5))), as_it_is


def _certain(words: list[dict[str, Any]]) -> int:
    """Return how many words are rather certain."""
    return sum(word["confidence"] >= _CERTAIN_FROM for word in words)


def _words(image: bytes, page: int, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the words of a page in reading order: {text, confidence, box, page, line}."""
    command = [options["program"], "-", "-", "-l", options["languages"], "--psm", str(options["layout"]), "tsv"]
    # On few processors several threads make it five times slower.
    environment = {"OMP_THREAD_LIMIT": "1", **options["environment"]}
    ended = subprocess.run(command, input=image, capture_output=True, check=False, env=environment)
    if ended.returncode != 0:
        raise FileRefused(f"Tesseract could not read page {page}: {_first_line(ended.stderr)}.")
    table = csv.DictReader(io.StringIO(ended.stdout.decode("utf-8", "replace")), delimiter="\t", quoting=csv.QUOTE_NONE)
    for row in table:
        if row.get("level") == _WORD and (row.get("text") or "").strip():
            yield {
                "text": row["text"].strip(),
                "confidence": round(float(row["conf"]), 1),
                "box": [int(row[name]) for name in ("left", "top", "width", "height")],
                "page": page,
                "line": (row["block_num"], row["par_num"], row["line_num"]),
            }


def _text(words: list[dict[str, Any]]) -> str:
    """Return the words of a page, with an empty line between paragraphs."""
    parts: list[str] = []
    before: tuple[str, ...] | None = None
    for word in words:
        line = word["line"]
        if before is not None:
            parts.append(" " if line == before else "\n" if line[:2] == before[:2] else "\n\n")
        parts.append(word["text"])
        before = line
    return "".join(parts)


def _first_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300].rstrip(".") if lines else "it gave no reason"
