"""Print the shape of the program: `python -m tests.shape`. Figures to look at; `test_structure.py` has the rules."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

from tests.test_structure import (
    Import,
    between_folders,
    circles,
    edges_of,
    folder_of,
    imports,
    modules,
    parts,
    speak_sql,
    tree,
)

_UNTYPED = re.compile(r"\b(?:dict|Mapping|MutableMapping)\[str, Any\]")


def _longest_path(found: Iterable[Import]) -> tuple[str, ...]:
    """The longest chain of imports, module by module; what is for types alone loads nothing, and is not counted."""
    edges = edges_of([one for one in found if not one.is_for_types])

    @cache
    def below(name: str) -> tuple[str, ...]:
        chains: list[tuple[str, ...]] = [below(other) for other in edges.get(name, {})]
        return (name, *max(chains, key=len, default=()))

    return max(map(below, edges), key=len, default=())


def _functions() -> Iterator[tuple[int, str]]:
    """Yield the lines of every function, without its docstring, and its name."""
    for name in modules():
        for node in parts(tree(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                documented = ast.get_docstring(node) is not None
                shown = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
                yield (node.end_lineno or 0) - node.lineno + 1 - shown, f"{name}.{node.name}"


def _figures() -> Iterator[tuple[str, object]]:
    texts = {name: path.read_text(encoding="utf-8") for name, path in modules().items()}
    engine = {name: text for name, text in texts.items() if name.startswith("engine.")}
    lines = sum(text.count("\n") for text in engine.values())
    path = _longest_path(imports())
    sizes = Counter(folder_of(name) for name, at in modules().items() if at.name != "__init__.py")
    yield "modules, lines", f"{len(texts)}, {sum(text.count(chr(10)) for text in texts.values())}"
    yield "circles of modules", len(circles(edges_of(imports())))
    yield "circles of folders", len(circles(edges_of(between_folders(imports()))))
    yield "longest import path", f"{len(path)}: {' > '.join(path)}"
    untyped = sum(len(_UNTYPED.findall(text)) for text in engine.values())
    yield "dict[str, Any] per 1,000 lines of engine", f"{1000 * untyped / lines:.1f}"
    yield "modules of engine with SQL outside engine/store/sql", len(speak_sql())
    yield "longest functions", ", ".join(f"{name} {size}" for size, name in sorted(_functions(), reverse=True)[:5])
    yield "fullest folders", ", ".join(f"{name} {size}" for name, size in sizes.most_common(5))


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    for what, figure in _figures():
        sys.stdout.write(f"{what}: {figure}\n")
