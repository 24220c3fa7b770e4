"""The output of a command: sentences for people, or one JSON document for programs."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any, TextIO

WORD_MARKS = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
"""As `git diff --word-diff` marks words."""


def say(text: str = "") -> None:
    """Write a line to standard output."""
    _write(printable(text), sys.stdout)


def say_marked(parts: Sequence[tuple[str, bool]]) -> None:
    """Write a text in parts; at a terminal, those with True are underlined."""
    import typer  # the parent of a server writes lines, too, and stays small

    typer.echo(
        "".join(
            typer.style(printable(text), underline=True) if is_marked else printable(text) for text, is_marked in parts
        )
    )


def note(text: str) -> None:
    """Write a line to standard error."""
    _write(printable(text), sys.stderr)


def raw(content: str | bytes, *, is_error: bool = False) -> None:
    """Write a text or bytes unchanged, for a file or a pipe; at a terminal, without what would control it."""
    import typer

    written = content.encode() if isinstance(content, str) else content
    stream = sys.stderr if is_error else sys.stdout
    if stream is not None and stream.isatty():
        typer.echo(printable(written.decode("utf-8", "replace")), nl=False, err=is_error)
    else:
        typer.echo(written, nl=False, err=is_error)


def document(value: Any) -> None:
    """Write one JSON document, indented, to standard output."""
    _write(_json(value, indent=2), sys.stdout)


def json_line(value: Any) -> None:
    """Write one JSON document on one line: the program that started this process waits for it."""
    _write(_json(value, indent=None), sys.stdout)


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write rows below their headers, with aligned columns; the last column may have any length."""
    lines = [list(headers), *([printable(str(cell)).replace("\n", " ") for cell in row] for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(headers))]
    for line in lines:
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)]
        say("  ".join(cells).rstrip())


def cut(text: str, most: int = 60) -> str:
    """Return a text cut to the width of a column."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def local_time(time: str, zone: str) -> str:
    """Return a stored time (RFC 3339, UTC) in the local time of a zone; text that is no time is shown as damaged."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    try:
        moment = datetime.fromisoformat(time).astimezone(ZoneInfo(zone))
    except (ValueError, OverflowError):
        return f"damaged: {cut(time, 24)}"
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def printable(text: str) -> str:
    """Return the text without terminal control sequences: mails and issues are written by strangers.

    Characters that nobody sees are shown as marks, such as `[U+202E]`.
    """
    plain = "".join(map(_plain_space, text))
    shown = plain if plain.isascii() else revealed(plain)
    return "".join(one for one in shown if one.isprintable() or one == "\n")


def revealed(text: str) -> str:
    """Return the text with characters that nobody sees as marks, `[U+200B]`, for what a person has to judge."""
    from engine.outgoing.hidden_characters import shown

    return shown(text)[0]


def _write(text: str, stream: TextIO | None) -> None:
    """Write a line and flush it; characters that the stream's encoding lacks are escaped."""
    if stream is None:  # a shell may close one (`>&-`)
        return
    try:
        stream.write(f"{text}\n")
    except UnicodeEncodeError:
        stream.write(f"{text.encode(stream.encoding, 'backslashreplace').decode(stream.encoding)}\n")
    stream.flush()


def _plain_space(character: str) -> str:
    """Return a blank for a character that would control the terminal, or is another blank; any other unchanged."""
    keeps = character.isprintable() or character == "\n" or unicodedata.category(character) in ("Cf", "Cs")
    return character if keeps else " "


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _json(value: Any, indent: int | None) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # a lone surrogate from a mail, or a terminal without UTF-8
        return json.dumps(value, indent=indent, default=_plain)
    return text


def _plain(value: object) -> Any:
    from dataclasses import asdict, is_dataclass  # here: the parent of a server writes plain JSON, and stays small
    from datetime import date

    from msgspec import Struct, structs

    if isinstance(value, Struct):
        return structs.asdict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, date):
        return value.isoformat()
    if dump := getattr(value, "model_dump", None):  # a part of a file, such as what an environment says of a workflow
        return dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no JSON form")
