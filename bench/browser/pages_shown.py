"""Home and the list of runs with 10,000 runs: the time from the address of each until its first rows are drawn.

Under `more`: the same from a click in the menu.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.base.figures import ROUNDS, absolute
from bench.base.served import Served, served
from bench.browser.canvas import TIMERS, signed_in
from bench.runs.history import fill
from engine.orchestra import Orchestra

if TYPE_CHECKING:
    from playwright.sync_api import Page

WORK = "pages_shown"
GOAL_MS = 1000.0
_RUNS = 10_000
_IS_HOME = "document.querySelector('.st-key-answer')"
_SHOWN = {
    "": _IS_HOME,
    "runs": f"!({_IS_HOME}) && document.querySelectorAll('[data-testid=stMain] [data-testid=stPageLink-NavLink]')[9]",
}


def measure() -> dict[str, Any]:
    """Return the milliseconds of both pages, opened in turn, once the browser has kept their scripts."""
    found, clicked = list[float](), list[float]()
    with served(settle_seconds=3.0, prepare=_filled) as server, signed_in(server) as page:
        page.add_init_script(TIMERS)
        for path in _SHOWN:
            _opened(page, server, path)
        for _ in range(ROUNDS):
            found += [_opened(page, server, path) for path in _SHOWN]
            clicked += [_clicked(page, path) for path in _SHOWN]
    return {**absolute(found, GOAL_MS, "ms"), "more": {"click": round(statistics.median(clicked), 1)}}


def _opened(page: Page, server: Served, path: str) -> float:
    page.goto(f"http://127.0.0.1:{server.port}/{path}", wait_until="commit")
    milliseconds: float = page.evaluate(f"after(() => {_SHOWN[path]}, () => 0)")
    return milliseconds


def _clicked(page: Page, path: str) -> float:
    link = f'document.querySelector(\'[data-testid="stSidebar"] a[href$="/{path}"]\')'
    milliseconds: float = page.evaluate(
        f"() => {{ const begun = performance.now(); {link}.click(); return after(() => {_SHOWN[path]}, () => begun); }}"
    )
    return milliseconds


def _filled(root: Path) -> None:
    orchestra = Orchestra.open(root)
    try:
        fill(orchestra, _RUNS)
    finally:
        orchestra.close()
