"""Generate `docs/rights.md` from the declarations of operations: `python -m engine.rights_docs > docs/rights.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args

from engine.people.access import ROLES, Principal, Right, may
from engine.people.operation import Declaration, declarations_of

_HEAD = """# Rights

What people and programs may do, which right each operation takes, and the lowest [role](operations.md#serve) that has
it. The [access to one workflow](operations.md#access-to-one-workflow) can only narrow this. Where it says *own*, users
may do it for themselves, and for others it takes an owner. The audit trail names most changes by their operation.

This page is written from the operations themselves (`python -m engine.rights_docs > docs/rights.md`); a test fails when
it is out of date.
"""
_COLUMNS = "| Operation | What it does | Right | Role |\n| --- | --- | --- | --- |"
_RIGHTS = get_args(Right)
_ENGINE = Path(__file__).parent


def areas() -> Iterator[type]:
    """Yield every class that declares operations; the modules without any are not imported, which takes seconds."""
    for path in sorted(_ENGINE.rglob("*.py")):
        if "    @operation(" in path.read_text(encoding="utf-8"):
            name = ".".join(("engine", *path.relative_to(_ENGINE).with_suffix("").parts))
            module = import_module(name)
            own = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == name]
            yield from (one for one in own if declarations_of(one))


def operations() -> list[Declaration]:
    """Return every operation: by the things that it is about, then by its right, and then by its name."""
    found = [one for area in areas() for one in declarations_of(area).values()]
    return sorted(
        found, key=lambda one: (_things(one), one.right is None, _RIGHTS.index(one.right or "view"), one.name)
    )


def rights_page() -> str:
    """Return the whole page as Markdown."""
    sections: dict[str, list[str]] = {}
    for one in operations():
        sections.setdefault(_things(one), []).append(_row(one))
    texts = (f"## `{things}`\n\n{_COLUMNS}\n" + "\n".join(rows) + "\n" for things, rows in sections.items())
    return "\n".join([_HEAD, *texts])


def _things(one: Declaration) -> str:
    return one.name.partition(".")[0]


def _row(one: Declaration) -> str:
    right, role = (f"`{one.right}`", _lowest(one.right)) if one.right is not None else ("own", "viewer")
    return f"| `{one.name}` | {one.title} | {right} | {role} |"


def _lowest(right: Right) -> str:
    return next(role for role in reversed(ROLES) if may(Principal("", role), right))


if __name__ == "__main__":
    sys.stdout.write(rights_page())
