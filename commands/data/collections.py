"""`collections`: the collections of documents that workflows index and search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.derived import Area, CalledWith, by_hand
from commands.base.failures import DONE
from commands.base.later_groups import Command, LaterGroup
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document as json_document
from commands.base.screen import note, say
from commands.base.screen import table as columns
from commands.base.session import opened

if TYPE_CHECKING:
    from engine.data.collections import Answers


def _commands() -> Sequence[Command]:
    from engine.data.collections import Collections

    area = Area("collections")
    return [
        by_hand("list", list_),
        by_hand("show", show),
        area.command(Collections.search, _answers),
        area.command(Collections.delete, lambda _, given: say(f"Deleted {given.values['document']}.")),
        area.command(
            Collections.forget_vectors,
            lambda count, given: say(f"Deleted {count:,} vectors of {given.values['collection']}."),
        ),
        area.command(
            Collections.drop,
            lambda count, given: say(f"Deleted {given.values['collection']} with {count:,} documents."),
        ),
    ]


group = LaterGroup("Collections of documents.", _commands)

Name = Annotated[str, typer.Argument(metavar="COLLECTION", help="The name of the collection.")]


def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the collections with their size."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.collections.all(session.principal, demo=demo)
        others = [] if demo or found else session.orchestra.collections.all(session.principal, demo=True)
    if as_json:
        json_document({"collections": [asdict(one) for one in found]})
    elif found:
        rows = [
            [
                one.name,
                f"{one.documents:,}",
                f"{one.passages:,}",
                f"{one.size_bytes:,}",
                _vectors(one.vectors, one.model),
            ]
            for one in found
        ]
        columns(["COLLECTION", "DOCUMENTS", "PASSAGES", "BYTES", "VECTORS"], rows)
    else:
        say("There is no collection yet. A workflow that indexes documents makes one.")
        if others:
            say(f"The demo has {len(others)}: {', '.join(one.name for one in others)}. `--demo` shows them.")
    return DONE


def show(
    collection: Name,
    document: Annotated[str, typer.Option(help="Show the passages of the document with this id.")] = "",
    words: Annotated[str, typer.Option(help="Only documents whose id or title contains this text.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show the documents of a collection, or the passages of a document."""
    with opened(workspace, demo=demo) as session:
        area = session.orchestra.collections
        if document:
            passages = area.passages(session.principal, collection, document, demo=demo)
        else:
            known = area.documents(session.principal, collection, words=words, demo=demo)
    if document and as_json:
        json_document({"passages": [asdict(one) for one in passages]})
    elif document:
        for one in passages:
            say(f"{one.start:,}-{one.end:,}{_page(one.page)}  {one.headings}\n{one.text}\n")
    elif as_json:
        json_document({"documents": [asdict(one) for one in known]})
    else:
        rows = [[one.id, one.title, f"{one.characters:,}", str(one.passages), one.indexed_at] for one in known]
        columns(["DOCUMENT", "TITLE", "CHARACTERS", "PASSAGES", "INDEXED"], rows)
    return DONE


def _answers(found: Answers, _: CalledWith) -> None:
    if found.note:
        note(found.note)
    if not found.results:
        say("No passage has a word of this question.")
    for one in found.results:
        digits = 4 if found.by_meaning else 2  # fused scores are shares of ranks, all below 0.04
        say(f"{one.score:.{digits}f}  {one.title or one.document}{_page(one.page)}\n{one.text}\n")


def _vectors(count: int, model: str) -> str:
    return f"{count:,} ({model})" if count else "none"


def _page(page: int | None) -> str:
    return "" if page is None else f", page {page}"
