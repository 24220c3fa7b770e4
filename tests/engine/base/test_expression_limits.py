"""No expression takes much memory or time, whatever it multiplies: what is costly is ended in a process of its own."""

from __future__ import annotations

import os
import random
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.base.errors import ExpressionError
from engine.base.expression_limits import INLINE_WORK, LARGEST_RESULT, ExpressionTooCostly
from engine.base.expression_limits import costly as allowed
from engine.base.lazy_values import Deferred, complete
from engine.expressions.costly import costly
from engine.expressions.expressions import Template, compile_expression, compile_template, render
from tests.few import rare

_TEXT = "a" * 100_000
_NOISE = f"{random.Random(7).getrandbits(4_000_000):b}"
_TEN = "[1,2,3,4,5,6,7,8,9,10]"


def value(source: str, **names: Any) -> Any:
    return compile_expression(source, frozenset(names)).value(names)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        pytest.param("s.replace('a', s)", {"s": _TEXT}, id="replace"),
        pytest.param("l.map(i, s).join(s)", {"s": _TEXT, "l": [1] * 3000}, id="map-join"),
        pytest.param("'%s'.format([l.map(i, s)])", {"s": _TEXT, "l": [1] * 2000}, id="format"),
        pytest.param("l.map(i, s)", {"s": _TEXT, "l": [1] * 2000}, id="map"),
        pytest.param("[s].map(a, a + a)" + ".map(a, a + a)" * 20, {"s": _TEXT}, id="doubled"),
        rare("[[s]].map(a, a + a)" + ".map(a, a + a)" * 20, {"s": _TEXT}, id="doubled-lists"),
        pytest.param(f"{_TEN}.map(a, {_TEN}.map(b, {_TEN}.map(c, s)))", {"s": _TEXT}, id="nested"),
        pytest.param("l.map(i, i)", {"l": list(range(9_900))}, id="long-list"),
        pytest.param("json(l.map(i, s)) + text(l.map(i, s))", {"s": _TEXT, "l": [1] * 2000}, id="json"),
        pytest.param("s.split('').map(c, s)", {"s": "a" * 9_000}, id="split"),
        pytest.param("s.matches(p)", {"s": _NOISE, "p": "[01]*1[01]{999}x"}, id="pattern"),
        pytest.param("optional.of(s)" + ".optMap(v, v + v)" * 4 + ".orValue('')", {"s": _TEXT * 10}, id="optional"),
    ],
)
@pytest.mark.slow
def test_what_multiplies_ends_soon_with_a_figure_and_a_remedy(source: str, names: dict[str, Any]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ExpressionError, match="limit of") as raised:
        value(source, **names)
    assert raised.value.remedy
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 80_000  # KB of this process; the one that computes has its own limit


def test_a_result_that_is_too_large_is_refused() -> None:
    with pytest.raises(ExpressionError, match="8,000,000 characters"):
        value("l.map(i, s).join('')", s=_TEXT, l=[1] * 90)


def test_what_is_costly_but_not_too_costly_has_its_value() -> None:
    mails = [{"id": f"m{n}", "text": "word " * 500, "labels": ["INBOX"]} for n in range(1_000)]
    assert value("m.filter(a, 'INBOX' in a.labels).map(a, a.id).size()", m=mails) == 1_000
    assert len(value("m.map(a, a.text.replace(' ', '-')).join('')", m=mails)) == 2_500_000
    assert value("size(s) > 3 ? s : ''", s="x" * 5_000_000) == "x" * 5_000_000


def test_an_error_of_a_costly_expression_is_that_of_any_other() -> None:
    with pytest.raises(ExpressionError, match="There is no 'b'"):
        value("m.map(a, a.b).join('')", m=[{"a": "x" * 5_000}] * 1_000)


def test_the_process_for_costly_ones_may_die_between_two_questions() -> None:
    big = [1] * 2_000
    assert value("m.map(a, a).size()", m=big) == 2_000
    assert costly._process is not None
    costly._process.kill()
    costly._process.wait()
    assert value("m.map(a, a).size()", m=big) == 2_000


def test_texts_that_many_fields_hold_together_have_a_limit() -> None:
    tree = [compile_template("{{ s }}", frozenset({"s"})) for _ in range(2_000)]
    with pytest.raises(ExpressionError, match="8,000,000"):
        render({"values": tree}, {"s": _TEXT})


def test_a_text_of_many_parts_has_a_limit() -> None:
    with pytest.raises(ExpressionError, match="8,000,000"):
        compile_template("{{ s }}-" * 200, frozenset({"s"})).value({"s": _TEXT})
    with pytest.raises(ExpressionError, match="limit of 1,000 expressions"):
        compile_template("{{ s }}" * 2_100, frozenset({"s"}))


def test_one_whole_path_is_handed_on_however_large_it_is() -> None:
    long = "a" * (LARGEST_RESULT + 1)
    template = compile_template("{{ s }}", frozenset({"s"}))
    assert isinstance(template, Template)
    assert render({"a": template}, {"s": long}) == {"a": long}


class _Lies(Deferred):
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def opened(self) -> Any:
        return self._inner


def test_a_value_that_is_in_itself_many_times_is_not_opened() -> None:
    inner: Any = _Lies("a" * 300_000)
    for _ in range(12):
        inner = _Lies([inner] * 10)
    with pytest.raises(ExpressionError, match="over 32,000,000 characters"):
        complete(inner)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("optional.of(a)" + ".optMap(v, v)" * 28, "limit of 4 optMap", id="doubling"),
        pytest.param("[" + "1," * 40_000 + "1]", "at most 50,000 are read", id="long"),
        pytest.param("x" * 30_000 + ".a + 1", "at most 200 are read", id="long-name"),
        pytest.param("a['" + "x" * 30_000 + "'] + zz", "nothing named 'zz'", id="long-key"),
        pytest.param("||".join("a" for _ in range(7_000)) + "|| zz", "nothing named 'zz'", id="many-names"),
        pytest.param("||".join("a" for _ in range(15_000)), "in 15,000 places", id="too-many-names"),
    ],
)
def test_a_long_expression_is_read_or_refused_soon(source: str, words: str) -> None:
    began = time.thread_time()
    with pytest.raises(ExpressionError, match=words):
        compile_expression(source, frozenset({"a"}))
    assert time.thread_time() - began < 10


def test_where_it_must_be_quick_a_costly_expression_is_not_begun() -> None:
    with allowed(0), pytest.raises(ExpressionTooCostly):
        value("m.map(a, a).size()", m=[1] * 2_000)
    with allowed(0):
        assert value("m.map(a, a).size()", m=[1] * 20) == 20


def test_costly_expressions_together_have_a_limit() -> None:
    with allowed(0.001):
        value("m.map(a, a).size()", m=[1] * 2_000)
        with pytest.raises(ExpressionError, match=r"limit of 0\.001 s together"):
            value("m.map(a, a).size()", m=[1] * 2_000)


@pytest.mark.slow
def test_waiting_in_line_is_no_computing() -> None:
    with costly._lock:
        waits = ThreadPoolExecutor(1).submit(_with_two_seconds)
        time.sleep(3)  # longer than the allowance
        assert not waits.done()
    assert waits.result(60) == [2_000, 2_000]


def _with_two_seconds() -> list[int]:
    with allowed(2):
        return [value("m.map(a, a).size()", m=[1] * 2_000) for _ in range(2)]


def test_any_number_of_files_may_be_open() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(2_048, hard), hard))
    costly.close()
    handles = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    try:
        assert value("m.map(a, a).size()", m=[1] * 2_000) == 2_000
    finally:
        for handle in handles:
            os.close(handle)
        costly.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_everyday_expressions_are_worked_out_at_once() -> None:
    mail = {"subject": "Invoice 17", "text": "Please pay. " * 400, "labels": ["INBOX", "money"], "from": "Ann <a@b.c>"}
    mails = [{**mail, "id": f"m{n}"} for n in range(25)]
    with allowed(0):
        for source in (
            "m.map(a, a.subject)",
            "m.filter(a, 'INBOX' in a.labels).map(a, a.id)",
            "m[0].text.replace('\\n', ' ').substring(0, 100)",
            "m[0].subject.split(' ')[1] + '-' + m[0].from.substring(0, 3).lowerAscii()",
            "m[0].subject.matches('^Invoice [0-9]{1,4}$')",
            "json({'id': m[0].id, 'labels': m[0].labels})",
            "m.exists(a, a.text.contains('pay'))",
        ):
            assert value(source, m=mails) is not None
    assert INLINE_WORK < LARGEST_RESULT


@pytest.mark.parametrize("names", [{"x": "a\0b"}, {"x": [{"k": "a\0b"}]}, {"x": {"a\0b": 1}}])
def test_a_text_with_a_nul_is_refused_where_it_would_be_cut(names: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError, match=r"U\+0000"):
        value("[x]", **names)
    assert value("x", **names) == names["x"]
