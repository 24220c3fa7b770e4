"""Reads a document twice with markitdown in this process, and prints the figures as JSON; imports nothing of ours."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from typing import Any


def main(path: str) -> None:
    """Print {seconds of both, peak_mb, characters}; loading the package is not in the seconds."""
    package: Any = importlib.import_module("markitdown")
    reader = package.MarkItDown(enable_plugins=False)
    seconds, characters = [], 0
    for _ in range(2):
        begun = time.perf_counter()
        characters = len(reader.convert(path).text_content)
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak, "characters": characters}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
