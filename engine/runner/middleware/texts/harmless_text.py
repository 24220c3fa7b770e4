"""Make text from outside harmless before it is sent: a stranger's images and links become text (docs/trust.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from engine.base.errors import ExpressionError
from engine.base.lazy_values import complete, known_parts
from engine.compiler.definition.allowed_values import is_allowed
from engine.compiler.definition.links import EVERYWHERE
from engine.connections.hosts import hosts
from engine.expressions.expressions import Template
from engine.outgoing.addresses import issue_at, mentioned_in, places_in
from engine.plugins.step import Effect, Role, fields_schema
from engine.record.values import in_thread_if_read
from engine.runner.effects.job import fields_of
from engine.runner.execution.filling import worked_out
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_SHORT = 4_000
"""Characters of a value that is rewritten at once; of more, the event loop would have to wait."""


class HarmlessText(Middleware):
    """Rewrites the content of a write, as far as the compiler says that it may be text from outside.

    What is fixed in the workflow, and what its expressions take from clean values, stays as it is.
    """

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._recording, self._config = run.recording, run.accounts.config
        self._least = 2 if run.facts.is_by_hand else 1
        """The least rank that counts as text from outside: inputs (1) do too, unless a person gave them."""

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call, with harmless text."""
        if call.effect is not Effect.WRITES or not call.action.outside_fields:
            return await call_next(call)
        return await call_next(await self._rewritten(call))

    async def _rewritten(self, call: StepCall) -> StepCall:
        from engine.outgoing.harmless import Harmless  # with the readers of Markdown, which few runs need
        from engine.outgoing.hidden_characters import hidden_in

        given, kind = call.arguments, call.action.step_type
        assert given is not None
        trees = {name: call.action.arguments[name] for name in _content_fields(call)}
        authors = [text for tree in trees.values() for text in await self._texts_of_author(tree, call)]
        pages = [text for tree in trees.values() for text in await self._pages(tree, call)]
        named = self._named(call, [*authors, *pages])
        own = frozenset(sign for text in authors for sign in hidden_in(text))
        harmless = Harmless(lambda place: is_allowed(place, named))
        changed: dict[str, Any] = {}
        for name, tree in trees.items():
            markup = "" if EVERYWHERE in named else kind.markup_of(name, given)
            rewrite = partial(harmless.value, own=own, markup=markup)
            work = partial(self._filled, tree, given[name], rewrite)
            before, after = await _worked(given[name], work)
            if after != before:
                changed[name] = after
        return await self._with(call, {**given, **changed}, harmless.note) if changed else call

    async def _with(self, call: StepCall, changed: dict[str, Any], note: str) -> StepCall:
        arguments, told = await self._recording.kept_fields(changed)
        make_fields = call.make_fields
        if not call.unknown:
            make_fields = await in_thread_if_read(arguments, lambda: fields_of(call.action.step_type, arguments))
        notes = (*call.notes, note)
        return replace(call, arguments=arguments, told_arguments=told, make_fields=make_fields, notes=notes)

    async def _texts_of_author(self, tree: Any, call: StepCall) -> list[str]:
        """Return the fixed texts and the clean values beside text from outside."""
        texts: list[str] = []
        for template in self._strange(tree):
            for piece in template.pieces_below(self._least):
                if isinstance(piece, str):
                    texts.append(piece)
                else:
                    texts.append(await worked_out(partial(_text, piece, call.frame.names)))
        return texts

    async def _pages(self, tree: Any, call: StepCall) -> list[str]:
        """Return the addresses that services have given to their pages: a link to one leads to no stranger."""
        pieces = [piece for template in self._strange(tree) for piece in template.addresses_from(self._least)]
        found = [piece for piece in pieces if not isinstance(piece, str)]
        addresses = [await worked_out(partial(_text, piece, call.frame.names)) for piece in found]
        return [part for address in addresses for part in (_origin(address), issue_at(address))]

    def _strange(self, tree: Any) -> Iterator[Template]:
        if isinstance(tree, Template):
            yield from [tree] if tree.rank >= self._least else []
        elif isinstance(tree, dict | list):
            for inner in tree.values() if isinstance(tree, dict) else tree:
                yield from self._strange(inner)

    def _named(self, call: StepCall, texts: list[str]) -> frozenset[str]:
        """Return the places that the workflow names, as patterns."""
        places = {place for text in texts for place in places_in(text) | mentioned_in(text)}
        places |= {issue for text in texts if (issue := issue_at(text))}
        server = hosts(self._config()).get(call.action.connection or "", "")
        return frozenset({*call.action.links, *places, *([server] if server else ())})

    def _filled(self, tree: Any, value: Any, rewrite: Any) -> tuple[Any, Any]:
        """Return a field before and after, with all of it in memory."""
        before = known_parts(value)
        return before, self._part(tree, before, rewrite)

    def _part(self, tree: Any, value: Any, rewrite: Any) -> Any:
        if isinstance(tree, Template):
            return rewrite(value) if tree.rank >= self._least else value
        if isinstance(tree, dict):
            return {name: self._part(inner, value[name], rewrite) for name, inner in tree.items()}
        if isinstance(tree, list):
            return [self._part(inner, one, rewrite) for inner, one in zip(tree, value, strict=True)]
        return value


async def _worked(value: Any, work: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
    """Do work that reads a value several times, with slow parsers: on the event loop only if it is short."""
    return await (in_thread_if_read(value, work) if _is_short(value) else asyncio.to_thread(work))


def _is_short(value: Any) -> bool:
    room, ahead = _SHORT, [value]
    while ahead and room >= 0:
        one = ahead.pop()
        room -= len(one) if isinstance(one, str) else 1
        if isinstance(one, dict | list):
            ahead += one.values() if isinstance(one, dict) else one
    return room >= 0


def _content_fields(call: StepCall) -> list[str]:
    """Return the fields that hold content, and may hold text from outside."""
    known = fields_schema(call.action.step_type.fields).get("properties", {})
    given = call.arguments or {}
    fields = [name for name in call.action.outside_fields if name in given]
    return [name for name in fields if known.get(name, {}).get("role") == Role.CONTENT]


def _origin(address: str) -> str:
    """Return scheme and host of an address: the path after them may hold other people's words."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else ""


def _text(piece: Any, names: Any) -> str:
    """Return a clean value as text; nothing if it is not known yet, in a plan."""
    try:
        return str(complete(piece.value(names)))
    except ExpressionError:
        return ""
