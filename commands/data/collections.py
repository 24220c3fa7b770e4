"""`collections`: the collections of documents that workflows index and search."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document as json_document
from commands.base.screen import note, say
from commands.base.screen import table as columns
from commands.base.session import opened

group = typer.Typer(help="Collections of documents.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="COLLECTION", help="The name of the collection.")]


@group.command("list")
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


@group.command()
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


@group.command()
def search(
    collection: Name,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="A question, or words to look for.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="The maximum number of passages.")] = 5,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Find the passages that best match a question, by its words and, if the collection has vectors, by its meaning."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.collections.search(session.principal, collection, question, limit=limit, demo=demo)
    if as_json:
        json_document(asdict(found))
        return DONE
    if found.note:
        note(found.note)
    if not found.results:
        say("No passage has a word of this question.")
    for one in found.results:
        digits = 4 if found.by_meaning else 2  # fused scores are shares of ranks, all below 0.04
        say(f"{one.score:.{digits}f}  {one.title or one.document}{_page(one.page)}\n{one.text}\n")
    return DONE


@group.command()
def delete(
    collection: Name,
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="The id of the document.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Delete a document; nothing of its text is left in the file."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.collections.delete(session.principal, collection, document, demo=demo)
    json_document({"documents": 1}) if as_json else say(f"Deleted {document}.")
    return DONE


@group.command("forget-vectors")
def forget_vectors(collection: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Delete the vectors of a collection, so that another model can make them; its documents stay."""
    with opened(workspace, demo=demo) as session:
        count = session.orchestra.collections.forget_vectors(session.principal, collection, demo=demo)
    json_document({"vectors": count}) if as_json else say(f"Deleted {count:,} vectors of {collection}.")
    return DONE


@group.command()
def drop(collection: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Delete a collection with all its documents."""
    with opened(workspace, demo=demo) as session:
        count = session.orchestra.collections.drop(session.principal, collection, demo=demo)
    json_document({"documents": count}) if as_json else say(f"Deleted {collection} with {count:,} documents.")
    return DONE


def _vectors(count: int, model: str) -> str:
    return f"{count:,} ({model})" if count else "none"


def _page(page: int | None) -> str:
    return "" if page is None else f", page {page}"
