"""Groups whose commands are built once somebody asks for one of them: the help of all groups imports no area."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

Command = tuple[str, str, Callable[..., int]]
"""Its name, its help and its function, whose signature Typer reads."""


_ALONE = ("list", "show", "status")


class NounGroup(TyperGroup):
    """A group whose name alone lists what there is: `orchestra runs --status failed` is `orchestra runs list …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command that the name alone stands for before its options."""
        alone = next((name for name in _ALONE if name in self.commands), None)
        if alone and (not args or (args[0].startswith("-") and args[0] != "--help")):
            args = [alone, *args]
        return super().parse_args(ctx, args)


class LaterGroup:
    """A group of commands; `commands` imports their area."""

    def __init__(self, text: str, commands: Callable[[], Sequence[Command]]) -> None:
        self._text, self._commands = text, commands

    def group(self, name: str) -> TyperGroup:
        """Return the group for the application."""
        group = NounGroup(name=name, help=self._text, no_args_is_help=True, rich_markup_mode=None)
        group.commands = _Later(self._built)  # type: ignore[assignment]  # never changed
        return group

    def _built(self) -> Mapping[str, Any]:
        made = typer.Typer(add_completion=False, rich_markup_mode=None)
        for name, text, act in self._commands():
            made.command(name, help=text)(act)
        return get_group(made).commands


class _Later(Mapping[str, Any]):
    """What is made when somebody looks into it."""

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Mapping[str, Any]:
        return self._make()

    def __getitem__(self, name: str) -> Any:
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)
