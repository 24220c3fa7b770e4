"""Print the shape of the program: `python -m tests.shape`. Figures to look at; `test_structure.py` has the limits."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator

from tests.test_structure import (
    between_folders,
    circles,
    edges_of,
    folder_of,
    functions,
    imports,
    longest_path,
    modules,
    speak_sql,
)

_UNTYPED = re.compile(r"\b(?:dict|Mapping|MutableMapping)\[str, Any\]")


def _figures() -> Iterator[tuple[str, object]]:
    texts = {name: path.read_text(encoding="utf-8") for name, path in modules().items()}
    engine = {name: text for name, text in texts.items() if name.startswith("engine.")}
    lines = sum(text.count("\n") for text in engine.values())
    path = longest_path(imports())
    sizes = Counter(folder_of(name) for name, at in modules().items() if at.name != "__init__.py")
    yield "modules, lines", f"{len(texts)}, {sum(text.count(chr(10)) for text in texts.values())}"
    yield "circles of modules", len(circles(edges_of(imports())))
    yield "circles of folders", len(circles(edges_of(between_folders(imports()))))
    yield "longest import path", f"{len(path)}: {' > '.join(path)}"
    untyped = sum(len(_UNTYPED.findall(text)) for text in engine.values())
    yield "dict[str, Any] per 1,000 lines of engine", f"{1000 * untyped / lines:.1f}"
    yield "modules of engine with SQL outside engine/store/sql", len(speak_sql())
    yield "longest functions", ", ".join(f"{name} {size}" for size, name in sorted(functions(), reverse=True)[:5])
    yield "fullest folders", ", ".join(f"{name} {size}" for name, size in sizes.most_common(5))


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    for what, figure in _figures():
        sys.stdout.write(f"{what}: {figure}\n")
