"""The page of all commands, made from the commands themselves: part of the documentation site (`docs/hooks.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from commands.base.application import app

_HEAD = """# Commands

Every command with its arguments and options, as `orchestra COMMAND --help` shows them. What the commands are for:
[Operations](operations.md#commands). What they exit with: [Exit codes](operations.md#exit-codes).
"""


def commands_page() -> str:
    """Return the whole page as Markdown."""
    return "\n".join([_HEAD, *_sections(typer.main.get_command(app), "orchestra")])


def _sections(group: Any, path: str) -> Iterator[str]:
    """Yield the section of each command of a group, in the order of its help."""
    level = "##" if " " not in path else "###"
    for name, command in group.commands.items():
        if command.hidden:
            continue
        full = f"{path} {name}"
        yield f"{level} `{full}`\n"
        if command.help:
            yield f"{' '.join(command.help.split())}\n"
        if hasattr(command, "commands"):
            yield from _sections(command, full)
        else:
            yield from _usage(command, full)


def _usage(command: Any, path: str) -> Iterator[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument" and not one.hidden]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    yield f"```sh\n{' '.join([path, *map(_placed, arguments), '[OPTIONS]'])}\n```\n"
    rows = [*map(_argument_row, arguments), *map(_option_row, options)]
    yield "\n".join(["| Argument or option | Meaning | Default |", "| --- | --- | --- |", *rows, ""])


def _placed(argument: Any) -> str:
    """Return an argument as a usage line shows it: `NAME`, `[NAME]`, `NAME...`."""
    name = _metavar(argument) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _argument_row(argument: Any) -> str:
    return f"| `{_metavar(argument)}` | {_cell(argument.help)} | {'required' if argument.required else ''} |"


def _option_row(option: Any) -> str:
    names = "/".join([max(option.opts, key=len), *option.secondary_opts])
    value = "" if option.is_flag else f" {_metavar(option)}"
    many = " May be repeated." if option.multiple and "may be repeated" not in (option.help or "").lower() else ""
    return f"| `{names}{value}` | {_cell(option.help)}{many} | {_default(option)} |"


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper().rstrip("_"))


def _default(option: Any) -> str:
    if option.required:
        return "required"
    is_shown = not option.is_flag and not callable(option.default) and option.default not in (None, "", [], ())
    return f"`{option.default}`" if is_shown else ""


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
