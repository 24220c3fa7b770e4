"""Keeps the numbers at the beginning of lines when Markdown becomes HTML or a chat's text.

In CommonMark only the first number of a list counts. So `28. November` is a list of one item, and two days, one below
the other, are numbered in a row.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token


def keep_numbers(parser: MarkdownIt) -> None:
    """Make a parser read false lists as paragraphs: a single number but 1, or numbers that do not count on."""
    parser.core.ruler.after("block", "numbers", _numbers)


def counts(numbers: Sequence[str]) -> bool:
    """Return whether written numbers form a list: each one more than the last, or 1, 1, 1."""
    first, many = int(numbers[0]), len(numbers)
    in_a_row = list(numbers) == [str(first + place) for place in range(many)]
    return (in_a_row and (many > 1 or first == 1)) or set(numbers) == {"1"}


def _numbers(state: StateCore) -> None:
    """Write the numbers of what is not a list into its text, and take the marks of a list away (a markdown-it rule)."""
    open_lists: list[tuple[Token, list[Token]]] = []
    numbers: list[Token] = []
    for token in state.tokens:
        if token.type == "ordered_list_open":
            open_lists.append((token, []))
        elif token.type == "list_item_open" and open_lists and token.level == open_lists[-1][0].level + 1:
            open_lists[-1][1].append(token)
        elif token.type == "ordered_list_close":
            opened, items = open_lists.pop()
            if not counts([item.info for item in items]):
                opened.hidden = True
                numbers += items
    if numbers:
        state.tokens = list(_written(state.tokens, {id(item) for item in numbers}))


def _written(tokens: Sequence[Token], numbers: Container[int]) -> Iterator[Token]:
    """Yield tokens without the lists whose opening is hidden; `numbers`: the items of these, by identity."""
    gone: list[bool] = []
    number: Token | None = None
    last: Token | None = None
    for token in tokens:
        if token.type in {"ordered_list_open", "list_item_open"}:
            gone.append(token.hidden if token.type.startswith("ordered") else id(token) in numbers)
            number = token if id(token) in numbers else number
        elif token.type in {"ordered_list_close", "list_item_close"}:
            token.hidden = gone.pop()
            if token.hidden and number is not None:
                yield _inline(number, "")
                number = None
            elif token.hidden and last is not None:
                last.level = token.level  # a chat leaves a line empty after what is at the top
        elif token.type.startswith("paragraph") and gone and gone[-1]:
            token.hidden = False
        elif number is not None and not token.type.startswith("paragraph"):
            yield _inline(number, token.content if token.type == "inline" else "")
            number = None
            if token.type == "inline":
                continue
        is_mark = token.type.startswith(("ordered_list", "list_item"))
        if not is_mark or not (gone[-1] if token.nesting == 1 else token.hidden):
            yield token
            last = token


def _inline(item: Token, content: str) -> Token:
    """Return the text of an item with its number."""
    from markdown_it.token import Token

    return Token(
        "inline", "", 0, content=f"{item.info}\\{item.markup} {content}".rstrip(), children=[], level=item.level
    )
