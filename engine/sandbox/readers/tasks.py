"""What can be asked of a file, and which reader answers for which kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from typing import Any

from engine.sandbox.readers.file_kinds import LOCKED, FileKind, kind_of
from engine.sandbox.readers.source import EMPTY, FileRefused, SourceFile, StaysText
from engine.sandbox.readers.tables import TableBuilder
from engine.sandbox.readers.texts import TextBuilder

Options = Mapping[str, Any]

TEXTS: Mapping[str, str] = {
    "pdf": "pdf",
    "word": "documents.word",
    "excel": "workbooks.excel",
    "slides": "documents.slides",
    "csv": "csv_tables.separated",
    "json": "plain",
    "json_lines": "plain",
    "plain": "plain",
    "html": "html",
    "mail": "mail",
    "smime": "mail",
    "winmail": "mail",
    "calendar": "mail",
    "picture": "picture",
}
"""{kind: the module that reads its text}."""
TABLES: Mapping[str, str] = {
    "pdf": "pdf_tables",
    "word": "documents.word",
    "excel": "workbooks.excel",
    "csv": "csv_tables.separated",
    "plain": "csv_tables.separated",
    "json": "json_tables",
    "json_lines": "json_tables",
    "html": "html",
}
_FACTS: Mapping[str, str] = {
    "pdf": "pdf",
    "word": "office",
    "excel": "office",
    "slides": "office",
    "mail": "mail",
    "smime": "mail",
    "winmail": "mail",
    "picture": "picture",
}
_OTHER_PROGRAM = {
    "locked": LOCKED,
    "old": "It has an old Office format. Save it as .docx, .xlsx or .pptx, or as PDF.",
    "rtf": "It has the format RTF. Save it as .docx, or as PDF.",
    "opendocument": "It has a format of OpenDocument. Save it as .docx or .pptx, or as PDF.",
    "msg": "It is a mail as Outlook saves it (.msg). Save it as .eml, or read the mailbox itself.",
    "archive": "It is a zip archive. `file.archive` unpacks it.",
}


def answer(source: SourceFile, task: str, options: Options) -> dict[str, Any]:
    """Do a task: `detect`, `text`, `table`, `metadata`, `ocr` or `unpack`. Raises FileRefused."""
    if task == "unpack":
        from engine.sandbox.readers.archive import unpacked

        return unpacked(source, options)
    kind = kind_of(source)
    if task == "ocr":
        found: dict[str, Any] = _module("scans.ocr").recognized(source, kind, options)
        return found
    if task == "detect":
        return asdict(kind)
    if task == "metadata":
        return {**asdict(kind), "facts": _facts(source, kind)}
    if task == "text":
        text = TextBuilder(options["most"], options["form"])
        _reader(TEXTS, kind, "text", source).text(source, kind, options, text)
        return {**asdict(kind), **text.document()}
    try:
        return {**asdict(kind), **_table(source, kind, options)}
    except StaysText as found:
        source.clear_out()
        return {**asdict(kind), **_table(source, kind, {**options, "texts": found.columns})}


def _table(source: SourceFile, kind: FileKind, options: Options) -> dict[str, Any]:
    table = TableBuilder(options["limit"], source.out)
    _reader(TABLES, kind, "a table", source).table(source, kind, options, table)
    return table.document()


def _facts(source: SourceFile, kind: FileKind) -> dict[str, Any]:
    if kind.name not in _FACTS:
        return {}
    facts: Callable[[SourceFile, FileKind], dict[str, Any]] = _module(_FACTS[kind.name]).facts
    return facts(source, kind)


def _reader(known: Mapping[str, str], kind: FileKind, wanted: str, source: SourceFile) -> Any:
    if not source.size:
        raise FileRefused(EMPTY)
    if kind.name not in known:
        raise FileRefused(_OTHER_PROGRAM.get(kind.name, f"It is a {kind.words}, from which {wanted} cannot be read."))
    return _module(known[kind.name])


def _module(name: str) -> Any:
    return import_module(f"engine.sandbox.readers.{name}")
