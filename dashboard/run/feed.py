"""The changing parts of a run's page, sent to open pages so that they need not be redrawn.

Redrawing a Streamlit page is expensive, and a run in progress changes all the time. So the browser polls for the
changes and updates two parts by itself: the head and the rows of the table. Rows carry a version, so that only changed
ones are sent. For everything else the answer contains a fingerprint; when it changes, the page is redrawn as a whole.
Anything computed from one state of a run is shared by all who look at it.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dashboard.base.language import language
from dashboard.base.messages import translated
from dashboard.run.board import Board, board, failure_board, progress
from dashboard.run.budget_waits import budgets_seen, is_budget_wait
from dashboard.run.live import may_write
from dashboard.run.row import table_rows
from dashboard.run.top import facts
from dashboard.run.waits import told_waits
from engine.base.errors import UnknownName
from engine.base.json_text import compact
from engine.base.statuses import ACTIVE_RUNS
from engine.people.access import Principal
from engine.record.types.run import Run
from engine.runs.run_looks import RunLook

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

_SHARED_SECONDS = 1.0
"""A document read this recently is shared by everybody who looks at the run."""
ITEMS, TALK = "items", "conversation"
_FED = frozenset({"steps", "sentence", "counts", "usage", "duration_seconds"})
"""Parts of a run in progress that the head and the rows already show, or that nothing shows."""
_KEPT = frozenset({"steps", "definition", "inputs"})
"""Parts with a place of their own in the fingerprint, and parts that only a resumption changes, which is in it too."""
_MOST_FEEDS = 16
"""Runs whose rows are remembered; pages of any other run get all of its rows again."""


def board_of(look: RunLook) -> Board:
    """Return the table of a run, computed once for all who look."""
    return look.once("board", lambda: board(look.run))


def after_of(look: RunLook) -> Board | None:
    """Return the table of the steps that run after a failure."""
    return look.once("failure board", lambda: failure_board(look.run))


def rows_of(look: RunLook) -> list[list[Any]]:
    """Return the rows of the table as the browser gets them."""
    return look.once(("rows", language()), lambda: table_rows(board_of(look)))


def head_of(look: RunLook) -> dict[str, Any]:
    """Return the head of a run in progress: the sentence, when and by whom it was started, its progress."""
    part, words = look.once(("progress", language()), lambda: progress(look.run, board_of(look)))
    return {"sentence": translated(look.run["sentence"]), "facts": facts(look.run), "part": part, "words": words}


def drawn(orchestra: Orchestra, who: Principal, look: RunLook, opened: str, tab: str) -> str:
    """Return a fingerprint of what the page shows beside `head_of` and the rows; the page is redrawn when it changes.

    `tab` is the open tab, `opened` the path of the open row; on the tab with a conversation, the run that it is from.
    """
    run_id = str(look.run["run_id"])
    # On tabs that have no fingerprint, each new state of the run counts as different.
    seen = look.once(
        ("drawn", opened, tab, language()),
        lambda: _seen(look, opened) if tab in (ITEMS, TALK) else secrets.token_hex(4),
    )
    talk = talk_look(orchestra, who, opened) if tab == TALK else None
    if talk is not None:
        seen += talk_seen(talk)
    if look.once("budget waits", lambda: any(map(is_budget_wait, look.run["steps"]))):
        seen += _hash(budgets_seen(orchestra, who))  # somebody may raise one, which the run's document does not show
    if look.run["status"] not in ACTIVE_RUNS:
        return f"{seen} {time.time() // 60:.0f}"  # for texts such as "3 minutes ago"
    # Not `once`: the first call imports step types, a time that has nothing to do with the size of the run.
    return f"{seen} {may_write(look.run) and bool(orchestra.runs.live(who, run_id))}"


def talk_look(orchestra: Orchestra, who: Principal, run_id: str) -> RunLook | None:
    """Return the run of an agent, None if it has been deleted: the run that called it may be kept for longer."""
    try:
        return orchestra.runs.look(who, run_id, _SHARED_SECONDS)
    except UnknownName:
        return None


def talk_seen(look: RunLook) -> str:
    """Return a fingerprint of what the conversation of an agent's run shows."""
    return look.once("talk", lambda: _talk(look.run))


def _talk(run: Run) -> str:
    steps = [[one["path"], one["status"], one.get("approval"), len(one["attempts"])] for one in run["steps"]]
    return _hash([run["status"], steps])


def _seen(look: RunLook, opened: str) -> str:
    run, shown, after = look.run, board_of(look), after_of(look)
    left_out = _KEPT | _FED if run["status"] in ACTIVE_RUNS else _KEPT
    kept = {name: value for name, value in run.items() if name not in left_out}
    failed = [] if after is None else table_rows(after)
    table = [shown.noun, shown.says_became, shown.columns, shown.kinds, len(shown.rows)]
    return _hash([kept, told_waits(run), failed, table, _pane(shown, opened), _pane(after, opened)])


def _pane(shown: Board | None, opened: str) -> Any:
    row = shown.row(opened) if shown is not None and opened else None
    return None if row is None else [list(row.cell), row.links, row.steps]


def _hash(value: Any) -> str:
    return hashlib.blake2b(compact(value).encode("utf-8", "replace"), digest_size=8).hexdigest()


class _Feed:
    """The rows of one run as last sent, and the version at which each of them changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._name, self._count = secrets.token_hex(4), 0
        self._rows: Sequence[list[Any]] = ()
        self._since: list[int] = []

    def since(self, rows: Sequence[list[Any]], version: str) -> dict[str, Any]:
        """Return the rows that have changed since a version, and the current version."""
        with self._lock:
            if rows is not self._rows:
                self._take(rows)
            name, _, count = version.partition(".")
            known = int(count) if name == self._name and count.isdecimal() else -1
            new = [[index, row] for index, row in enumerate(rows) if self._since[index] > known]
            return {"version": f"{self._name}.{self._count}", "count": len(rows), "rows": new}

    def _take(self, rows: Sequence[list[Any]]) -> None:
        self._count += 1
        before = len(self._rows)
        self._since = [
            self._since[index] if index < before and row == self._rows[index] else self._count
            for index, row in enumerate(rows)
        ]
        self._rows = rows


_feeds: OrderedDict[tuple[str, str], _Feed] = OrderedDict()
_lock = threading.Lock()


def new_rows(look: RunLook, version: str) -> dict[str, Any]:
    """Return the rows that have changed since a version; all of them for "", or after a restart."""
    key = str(look.run["run_id"]), language()
    with _lock:
        feed = _feeds.setdefault(key, _Feed())
        _feeds.move_to_end(key)
        if len(_feeds) > _MOST_FEEDS:
            _feeds.popitem(last=False)
    return feed.since(rows_of(look), version)


def answer(orchestra: Orchestra, who: Principal, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return what the page of a run does not have yet. Raises the errors of `runs.look`.

    `asked` has the run's `id`, the `open` row, the `tab` and, for a page with a table, the version of its rows
    (`since`).
    """
    look = orchestra.runs.look(who, asked.get("id", ""), _SHARED_SECONDS)
    update: dict[str, Any] = {"drawn": drawn(orchestra, who, look, asked.get("open", ""), asked.get("tab", ITEMS))}
    if look.run["status"] in ACTIVE_RUNS:
        update["head"] = head_of(look)
    if "since" in asked:
        update["table"] = new_rows(look, asked["since"])
    return update
