"""Run a person's Python inside the sandbox (engine/sandbox/code/running.py starts it).

The code finds `inputs`; what it assigns to `output` is kept as JSON. Tracebacks have the lines of the code alone.
"""

from __future__ import annotations

import json
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:  # imports here are paid for at each start
    from typing import Any

CODE, INPUTS, OUTPUT = "/code/main.py", "/in/inputs.json", "/w/.output"
PACKAGES = "/packages"


def main() -> int:
    """Run the code, keep its output, return the exit status."""
    module = types.ModuleType("__main__")
    names = vars(module)
    with open(INPUTS, encoding="utf-8") as given:  # noqa: PTH123 - pathlib takes as long to import as Python to start
        names |= {"inputs": json.load(given), "__file__": CODE, "__builtins__": __builtins__}
    with open(CODE, encoding="utf-8") as file:  # noqa: PTH123 - as above
        text = file.read()
    sys.modules["__main__"], sys.argv = module, [CODE]
    sys.path.insert(place_of_packages(sys.path), PACKAGES)
    try:
        status = _status(text, names)
        if status == 0 and "output" in names:
            _keep(names["output"])
    except BaseException as error:  # noqa: BLE001 - it is the person's, and ends here
        _show(error, names)
        return 1
    return status


def place_of_packages(path: list[str]) -> int:
    """Return where the locked packages belong: after Python's own modules, before what else is installed here."""
    others = (index for index, one in enumerate(path) if one.endswith(("site-packages", "dist-packages")))
    return next(others, len(path))


def _status(text: str, names: dict[str, Any]) -> int:
    try:
        exec(compile(text, CODE, "exec"), names)  # noqa: S102 - behind walls
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        sys.stderr.write(f"{ended.code}\n")
        return 1
    return 0


def _keep(output: Any) -> None:
    text = json_of(output)
    with open(OUTPUT, "w", encoding="utf-8") as file:  # noqa: PTH123 - as above
        file.write(text)


def json_of(output: Any) -> str:
    """Return an output as JSON. Raises TypeError."""
    try:
        return json.dumps(output, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"`output` cannot be written as JSON: {error}") from None


def _plain(value: Any) -> str:
    from datetime import date

    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _show(error: BaseException, names: dict[str, Any]) -> None:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    if isinstance(error, MemoryError):
        names.clear()  # what it holds may leave no room for a traceback
        sys.stderr.write(f'  File "{CODE}", line {trace.tb_lineno if trace else 1}\nMemoryError\n')
        return
    import traceback

    traceback.print_exception(type(error), error.with_traceback(trace), trace)


if __name__ == "__main__":
    sys.exit(main())
