"""The canvas of a workflow with 200 steps, 22 of them loops, in a headless Chromium beside the server.

Times are taken in the page: from the event of a key, or the start of the navigation, to the end of the frame in which
the drawing has changed.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bench.base.served import Served, served

if TYPE_CHECKING:
    from playwright.sync_api import Page

STEPS, LOOPS = 200, 22
_INSIDE, _CHANGES = 4, 8
_NAME = "large"
_BROWSER = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync"]
_PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
TIMERS = """
addEventListener('keydown', event => window.pressed = event.timeStamp, true);
window.after = (isDone, begun) => new Promise(resolve => {
  const look = () => isDone() ? setTimeout(() => resolve(performance.now() - begun())) : requestAnimationFrame(look);
  requestAnimationFrame(look);
});
window.frames = span => new Promise(resolve => {
  const times = [];
  const next = now => (times.push(now), now - times[0] < span ? requestAnimationFrame(next) : resolve(times));
  requestAnimationFrame(next);
});
"""


def workflow() -> dict[str, Any]:
    """Return a workflow of 200 steps: 22 loops of 4 steps each, with two steps between them and a condition on some."""
    steps: list[dict[str, Any]] = [_set("start", "n", [1, 2, 3])]
    before = "start"
    for loop in range(LOOPS):
        inside = [_set(f"l{loop}_{number}", "n", "{{ item }}") for number in range(_INSIDE)]
        each = {"id": f"loop{loop}", "foreach": "{{ steps.start.output.n }}", "steps": inside}
        steps += [_set(f"a{loop}", "n", f"{{{{ steps.{before}.output.n }}}}"), each]
        before = f"a{loop}"
    chain = STEPS - len(steps) - LOOPS * _INSIDE
    for number in range(chain):
        step = _set(f"c{number}", "n", f"{{{{ steps.{before}.output.n }}}}")
        steps.append({**step, "if": "{{ size(steps.start.output.n) > 2 }}"} if number % 10 == 9 else step)
    return {"schema_version": 1, "title": "Large", "steps": steps}


def _set(name: str, key: str, value: object) -> dict[str, Any]:
    return {"id": name, "title": f"Step {name}", "uses": "flow.set", "with": {"values": {key: value}}}


@contextmanager
def canvas() -> Iterator[tuple[Page, Served]]:
    """Yield a signed-in page beside a server with the workflow."""
    with served({_NAME: workflow()}, settle_seconds=3.0) as server, signed_in(server) as page:
        page.add_init_script(TIMERS)
        yield page, server


@contextmanager
def signed_in(server: Served) -> Iterator[Page]:
    """Yield a page of a headless Chromium that is signed in to a server."""
    from playwright.sync_api import sync_playwright

    path = next(found for name in _PROGRAMS if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_BROWSER)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(server.login_url)
        page.get_by_role("button").first.click()
        page.wait_for_url(f"http://127.0.0.1:{server.port}/")
        yield page
        browser.close()


def opened(page: Page, server: Served) -> float:
    """Open the canvas; return the milliseconds until its steps are drawn and answer the keyboard."""
    page.goto(f"http://127.0.0.1:{server.port}/workflow?name={_NAME}&tab=canvas", wait_until="commit")
    seconds: float = page.evaluate(
        "after(() => document.querySelector('.studio [data-step=\"a0\"]')?.getBoundingClientRect().width > 0"
        " && document.querySelector('.studio .studio-edge'), () => 0)"
    )
    return seconds


def shown(page: Page) -> tuple[dict[str, list[float]], list[float]]:
    """Make changes by the keyboard, one after another; return the milliseconds until each is drawn.

    Second, the milliseconds of the processor that the page's main thread has used for each until it is kept: on a busy
    machine they say more.
    """
    found: dict[str, list[float]] = {"move": [], "remove": [], "undo": []}
    processor: list[float] = []
    used = _processor(page)
    for number in range(_CHANGES):
        key = f"c{20 + number}"
        is_there = f"document.querySelector('.studio [data-step=\"{key}\"]')"
        _focus(page, key)
        before = used()
        found["move"].append(_until(page, "Alt+ArrowUp", f"{_TOP.format(key=key)} !== window.top_before", key))
        found["remove"].append(_until(page, "Delete", f"!{is_there}", key))
        found["undo"].append(_until(page, "Control+z", is_there, key))
        processor.append((used() - before) / len(found))
    return found, processor


def _processor(page: Page) -> Callable[[], float]:
    """Return what says how many milliseconds of the processor the page's main thread has used."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def used() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")

    return used


_TOP = "document.querySelector('.react-flow__node[data-id=\"{key}\"]')?.style.transform"


def _focus(page: Page, key: str) -> None:
    page.evaluate('key => document.querySelector(`.studio [data-step="${key}"]`).focus()', key)
    page.wait_for_timeout(300)


def _kept(page: Page) -> None:
    page.locator(".studio-state", has_text="Draft kept").wait_for()
    page.wait_for_timeout(300)


def _until(page: Page, keys: str, is_done: str, key: str) -> float:
    page.evaluate(
        f"() => {{ window.top_before = {_TOP.format(key=key)}; window.done = after(() => {is_done}, () => pressed) }}"
    )
    page.keyboard.press(keys)
    seconds: float = page.evaluate("window.done")
    _kept(page)
    return seconds


def frames_per_second(page: Page) -> dict[str, float]:
    """Return the frames per second while the wheel pans and zooms the drawing."""
    return {"pan": _frames(page, ctrl=False), "zoom": _frames(page, ctrl=True)}


_SPAN_MS = 3_000


def _frames(page: Page, *, ctrl: bool) -> float:
    page.mouse.move(500, 500)
    page.evaluate(f"() => {{ window.done = frames({_SPAN_MS}) }}")
    if ctrl:
        page.keyboard.down("Control")
    for number in range(_SPAN_MS // 25):
        page.mouse.wheel(0, 24 if number // 30 % 2 == 0 else -24)
        page.wait_for_timeout(8)
    if ctrl:
        page.keyboard.up("Control")
    times: list[float] = page.evaluate("window.done")
    return 1000 / statistics.fmean(later - before for before, later in pairwise(times))
