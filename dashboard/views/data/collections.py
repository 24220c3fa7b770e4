"""The collections of documents: what is in them, and what a question finds there."""

from __future__ import annotations

from itertools import pairwise

import streamlit as st

from dashboard.base.language import N_, number, t, tc, tn
from dashboard.base.messages import translated
from dashboard.base.page import Page, Visit
from dashboard.base.plain import outside_text, plain
from dashboard.creating.opening import open_new
from dashboard.parts.accounts import is_demo_chosen
from dashboard.parts.buttons import action_button
from dashboard.parts.empty import empty
from dashboard.parts.errors import error_box
from dashboard.parts.header import page_header
from dashboard.parts.pick_table import pick_table
from dashboard.parts.popover import finish, popover
from dashboard.parts.times import ago
from engine.base.errors import OrchestraError
from engine.data.collections import Collection, PassageHit, StoredDocument

PAGE = Page(
    title=N_("Collections"),
    icon=":material/library_books:",
    path="collections",
    order=52,
    section=N_("Data"),
    words=N_("documents retrieval search index passages vectors"),
)
_SAMPLE = "ask-my-documents"
"""The shipped workflow that makes a collection, and answers from it."""
_RESULTS = 5
_PASSAGES_SHOWN = 50


def show(visit: Visit) -> None:
    """Show the collections, what a question finds in the chosen one, and its documents."""
    page_header(visit, t("Collections"), t("Documents that workflows index, to answer questions from."))
    try:
        by_mode = {demo: visit.orchestra.collections.all(visit.who, demo=demo) for demo in (False, True)}
        demo = is_demo_chosen(visit, t("Collections of runs on"), "collections-accounts", by_mode)
        chosen = _collection(by_mode[demo])
        if chosen is None:
            _first_collection(visit)
        else:
            _question(visit, chosen.name, demo=demo)
            _documents(visit, chosen.name, demo=demo)
    except OrchestraError as error:
        error_box(error)


def _collection(found: list[Collection]) -> Collection | None:
    if not found:
        words = t("Documents in which workflows look for answers. A workflow that indexes them makes one.")
        empty(words, ":material/library_books:")
        return None
    by_name = {one.name: one for one in found}
    name = st.selectbox(t("Collection"), list(by_name), key="collections-collection")
    chosen = by_name[str(name)]
    st.caption(_size(chosen))
    return chosen


def _first_collection(visit: Visit) -> None:
    """Offer the shipped workflow that makes a collection."""
    sample = next((one for one in visit.orchestra.workflows.samples(visit.who) if one.name == _SAMPLE), None)
    if _SAMPLE in visit.orchestra.workflows.names(visit.who):
        visit.link(t("The workflow {name}", name=_SAMPLE), "workflow", icon=":material/play_arrow:", name=_SAMPLE)
    elif sample is not None and visit.may("edit"):
        st.caption(plain(tc("sample", sample.description)))
        action_button(
            t("Make the workflow: {title}", title=plain(tc("sample", sample.title))),
            "collections-sample",
            lambda _: visit.orchestra.workflows.create_from_sample(visit.who, _SAMPLE, _SAMPLE),
            lambda made: open_new(visit, made),
            scope=_SAMPLE,
            type="primary",
            icon=":material/add:",
        )


def _size(one: Collection) -> str:
    parts = [
        tn("{count} document", "{count} documents", one.documents),
        tn("{count} passage", "{count} passages", one.passages),
        t("{count} KB", count=number(max(1, one.size_bytes // 1000))),
    ]
    if one.vectors:
        of = t("{count} vectors of {model}", count=number(one.vectors), model=plain(one.model))
        parts.append(t("{vectors}, with {count} dimensions", vectors=of, count=number(one.dimensions)))
    return " · ".join(parts)


def _question(visit: Visit, name: str, *, demo: bool) -> None:
    question = st.text_input(
        t("Try a question"),
        key=f"collections-question-{name}",
        placeholder=t("For example: How long is the warranty?"),
        help=t("Finds passages by the words of the question, and by its meaning where the collection has vectors."),
    )
    if not question.strip():
        return
    answers = visit.orchestra.collections.search(visit.who, name, question, limit=_RESULTS, demo=demo)
    if answers.by_meaning:
        st.caption(t("By its words and its meaning."))
    elif answers.note:
        st.warning(plain(translated(answers.note)), icon=":material/text_fields:")
    if not answers.results:
        st.info(t("No passage has a word of this question."), icon=":material/search_off:")
    for one in answers.results:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{plain(one.title or one.document)}**")
            st.caption(" · ".join(_place(one, digits=4 if answers.by_meaning else 2)))
            st.markdown(_highlighted(one))


def _place(one: PassageHit, digits: int = 2) -> list[str]:
    page = [] if one.page is None else [t("page {number}", number=one.page)]
    above = [plain(one.headings)] if one.headings not in ("", one.title) else []
    return [t("score {score}", score=number(one.score, digits)), *page, *above]


def _highlighted(one: PassageHit) -> str:
    """Return Markdown that shows the text literally, with the words of the question on a coloured ground."""
    edges = sorted({0, len(one.text), *(edge for mark in one.marks for edge in mark)})
    shown = ""
    for start, end in pairwise(edges):
        is_marked = any(first <= start and end <= last for first, last in one.marks)
        lines = one.text[start:end].split("\n")
        if is_marked:
            shown += f":orange-background[{plain(one.text[start:end])}]"
        else:
            shown += "  \n".join(_spaced(line) for line in lines)
    return shown


def _spaced(line: str) -> str:
    """Return a piece of a line with the space between it and the words beside it."""
    before, after = line[:1].isspace(), line[-1:].isspace()
    return f"{' ' * before}{plain(line)}{' ' * (after and bool(line.strip()))}"


def _documents(visit: Visit, name: str, *, demo: bool) -> None:
    st.subheader(t("Documents"))
    words = st.text_input(t("Search"), key="collections-search", placeholder=t("A word in the title or the id"))
    found = visit.orchestra.collections.documents(visit.who, name, words=words, demo=demo)
    if not found:
        st.caption(t("No document has this in its title or id."))
    else:
        opened = pick_table(
            "document",
            [one.id for one in found],
            [_row(one) for one in found],
            _columns(),
            alt=t("Documents"),
            place=name,
        )
        for one in found:
            if one.id == opened:
                _document(visit, name, one, demo=demo)
    if visit.may("edit"):
        with st.container(horizontal=True):
            _forget(visit, name, demo=demo)
            _drop(visit, name, demo=demo)


def _row(one: StoredDocument) -> dict[str, str | int]:
    return {
        "title": one.title or one.id,
        "passages": one.passages,
        "characters": number(one.characters),
        "indexed": ago(one.indexed_at),
    }


def _columns() -> dict[str, str]:
    return {
        "title": t("Title"),
        "passages": t("Passages"),
        "characters": t("Characters"),
        "indexed": t("Indexed"),
    }


def _document(visit: Visit, name: str, one: StoredDocument, *, demo: bool) -> None:
    passages = visit.orchestra.collections.passages(visit.who, name, one.id, demo=demo)
    with st.container(border=True):
        st.markdown(f"**{plain(one.title or one.id)}**")
        st.caption(plain(one.id) if one.title else "")
        for each in passages[:_PASSAGES_SHOWN]:
            st.caption(" · ".join([*_place(each)[1:], f"{number(each.start)}–{number(each.end)}"]))
            outside_text(each.text)
        if len(passages) > _PASSAGES_SHOWN:
            st.caption(t("The first {shown} of {total} passages.", shown=_PASSAGES_SHOWN, total=len(passages)))
        if visit.may("edit"):
            _delete(visit, name, one.id, demo=demo)


def _delete(visit: Visit, name: str, document: str, *, demo: bool) -> None:
    with popover(t("Delete the document"), "collections-delete", ":material/delete:"):
        st.caption(t("Its passages and vectors are deleted from the file. This cannot be undone."))
        action_button(
            t("Delete it"),
            "collections-delete-it",
            lambda _: visit.orchestra.collections.delete(visit.who, name, document, demo=demo),
            lambda _: _done(t("The document is deleted.")),
            scope=f"{name} {document}",
        )


def _forget(visit: Visit, name: str, *, demo: bool) -> None:
    if not visit.orchestra.collections.show(visit.who, name, demo=demo).vectors:
        return
    with popover(t("Delete the vectors"), "collections-forget", ":material/scatter_plot:"):
        st.caption(t("The documents stay, and are found by their words. Their next indexing makes the vectors anew."))
        action_button(
            t("Delete the vectors of {collection}", collection=name),
            "collections-forget-it",
            lambda _: visit.orchestra.collections.forget_vectors(visit.who, name, demo=demo),
            lambda _: _done(t("The vectors are deleted.")),
            scope=name,
        )


def _drop(visit: Visit, name: str, *, demo: bool) -> None:
    with popover(t("Delete the collection"), "collections-drop", ":material/delete:"):
        st.caption(t("All documents of {collection} are deleted. This cannot be undone.", collection=plain(name)))
        action_button(
            t("Delete {collection}", collection=name),
            "collections-drop-it",
            lambda _: visit.orchestra.collections.drop(visit.who, name, demo=demo),
            lambda _: _done(t("The collection is deleted.")),
            scope=name,
        )


def _done(sentence: str) -> None:
    finish(sentence, "collections-delete", "collections-forget", "collections-drop")
