"""The `{{ }}` language: what values it gives, what it refuses, and that nothing but lookup ever happens."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import ExpressionError
from engine.expressions.expressions import compile_template, render
from tests.few import examples
from tests.patience import PATIENCE_SECONDS

ROOTS = frozenset({"a", "b", "steps", "inputs"})


def value(text: str, **names: Any) -> Any:
    return compile_template(text, ROOTS).value(names)


STEPS = {
    "done": {"status": "succeeded", "output": {"kind": "bug", "n": 3, "none": None}},
    "off": {"status": "skipped"},
    "bad": {"status": "failed", "error": {"type": "NotFound", "message": "404"}},
}


@pytest.mark.parametrize(
    "kept", [0, -7, 2**62, 1.5, 3.0, True, False, None, "", "x", [], {}, [1, [2]], {"k": {"n": 1}}]
)
def test_a_whole_expression_keeps_its_type(kept: Any) -> None:
    for text in ("{{ a }}", "{{ b.v }}", "{{ [a][0] }}"):
        result = value(text, a=kept, b={"v": kept})
        assert (result, type(result)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        pytest.param("as it is", "as it is", id="text"),
        pytest.param(3, "3", id="whole-number"),
        pytest.param(3.0, "3.0", id="number"),
        pytest.param(True, "true", id="boolean"),
        pytest.param([1, "a"], '[1,"a"]', id="list"),
        pytest.param({"ä": [None]}, '{"ä":[null]}', id="object"),
        pytest.param("{{ a }}", "{{ a }}", id="braces"),
    ],
)
def test_in_mixed_text_and_in_text_values_look_the_same(given: Any, shown: str) -> None:
    assert value("<{{ a }}>", a=given) == f"<{shown}>"
    assert value("{{ text(a) }}", a=given) == shown


def test_in_stands_before_default() -> None:
    assert value("{{ 'k' in default(a.l, ['k']) }}", a={}) is True
    assert value("{{ ['k'].exists(x, x in default(a.l, [])) }}", a={"l": ["m"]}) is False


def test_a_null_in_mixed_text_is_an_error_that_names_it() -> None:
    with pytest.raises(ExpressionError, match=r"'a\.b' is null") as raised:
        value("x {{ a.b }}", a={"b": None})
    assert "a.b == null ? 'text' : a.b" in raised.value.remedy
    assert value("x {{ a.b == null ? 'text' : a.b }}", a={"b": None}) == "x text"
    with pytest.raises(ExpressionError, match="null") as raised:
        value("{{ text(a) }}", a=None)
    assert "x == null ? 'text' : x" in raised.value.remedy
    assert value("{{ a }}", a=None) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("{{ '{{' }}", "{{", id="literal-braces"),
        pytest.param("{{ '{{' }} x }}", "{{ x }}", id="literal-in-text"),
        pytest.param("{{ timestamp('2026-01-02T03:04:05+01:00') }}", "2026-01-02T02:04:05.000Z", id="time"),
        pytest.param("{{ duration('90.5s') }}", 90.5, id="duration"),
        pytest.param("{{ timestamp('2026-01-02T00:00:00Z') + duration('24h') }}", "2026-01-03T00:00:00.000Z", id="sum"),
        pytest.param("{{ json([timestamp('2026-01-02T00:00:00Z')]) }}", '["2026-01-02T00:00:00.000Z"]', id="json-time"),
        pytest.param("{{ json({'b': 1, 'a': [true, null]}) }}", '{"a":[true,null],"b":1}', id="json"),
        pytest.param("{{ {'b': 1, 'a': 2} }}", {"a": 2, "b": 1}, id="object"),
        pytest.param("{{ [1, 2, 3].filter(n, n > 1).map(n, n * 2) }}", [4, 6], id="lists"),
        pytest.param("{{ 'Müller'.upperAscii() + string(size('añb')) }}", "MüLLER3", id="strings"),
        pytest.param("{{ 1u }}", 1, id="unsigned"),
        pytest.param("{{ 'a1'.matches('^[a-z][0-9]$') ? 'yes' : 'no' }}", "yes", id="choice"),
        pytest.param("{{ math.greatest([1, 5, 2]) }}", 5, id="math"),
        pytest.param("{{ 'abc'.substring(0, size('abc')) }}", "abc", id="part-to-the-end"),
        pytest.param("{{ 'a€🎉'.substring(1, 3) + 'a€🎉'.substring(1) }}", "€🎉€🎉", id="part-of-odd-text"),
        pytest.param("{{ ['ab', 'c'].map(x, x.substring(0, size(x))) }}", ["ab", "c"], id="part-in-a-macro"),
        pytest.param("{{ ''.substring(0, 0) + 'abc'.substring(3, 3) }}", "", id="empty-part"),
        pytest.param("{{ 'x' in ['x'] && !('y' in {'x': 1}) }}", True, id="in"),
    ],
)
def test_expressions_give_json(source: str, expected: Any) -> None:
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("{{ default(steps.off.output.kind, 'none') }}", "none", id="skipped"),
        pytest.param("{{ default(steps.done.output.kind, 'none') }}", "bug", id="there"),
        pytest.param("{{ default(steps.done.output['k-2'], 0) }}", 0, id="odd-key"),
        pytest.param("{{ default(steps.off.output, {}) }}", {}, id="whole-output"),
        pytest.param("<{{ default(steps.off.output.n, 7) }}>", "<7>", id="in-text"),
        pytest.param("{{ has(steps.off.output) }}", False, id="has-not"),
        pytest.param("{{ has(steps.done.output) && has(steps.done.output.kind) }}", True, id="has"),
        pytest.param("{{ has(steps.done.output.zz) }}", False, id="has-no-field"),
        pytest.param("{{ steps.bad.error.type }}", "NotFound", id="error"),
        pytest.param("{{ steps.off.status == 'skipped' }}", True, id="status"),
    ],
)
def test_what_may_be_missing_can_be_asked_for(source: str, expected: Any) -> None:
    assert value(source, steps=STEPS) == expected


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("{{ 0.0 / 0.0 }}", "nan", id="nan"),
        pytest.param("{{ -1.0 / 0.0 }}", "-inf", id="infinity"),
        pytest.param("{{ 1 / 0 }}", "divi", id="division"),
        pytest.param("{{ 9223372036854775807 + 1 }}", "64 bits", id="overflow"),
        pytest.param("{{ 18446744073709551615u }}", "64 bits", id="unsigned-too-large"),
        pytest.param("{{ timestamp('9999-12-31T00:00:00Z') + duration('48h') }}", "after the year 9999", id="late"),
        pytest.param("{{ duration('1000000000h') }}", "longer than 10,000 years", id="long"),
        pytest.param("{{ duration('2500000h') + duration('2500000h') }}", "result does not fit", id="long-sum"),
        pytest.param("{{ {true: 'x'} }}", "key is true; JSON takes only strings", id="truth-key"),
        pytest.param(r"{{ 'a\x00' }}", r"U\+0000", id="nul"),
        pytest.param(r"{{ {'\u0000': 1} }}", r"U\+0000", id="nul-in-a-key"),
        pytest.param("{{ b'x' }}", "JSON cannot hold", id="bytes"),
        pytest.param("{{ {1: 'x'} }}", "only strings", id="key"),
        pytest.param("{{ type(1) }}", "JSON cannot hold", id="type"),
        pytest.param("{{ a.zz }}", "no 'zz' in a", id="path"),
        pytest.param("{{ a.zz + 1 }}", "zz", id="path-in-expression"),
        pytest.param("{{ [1][5] }}", "no item 5 in the list: it has 1 item", id="index"),
        pytest.param("{{ a.?zz }}", "no JSON value", id="optional"),
        pytest.param("{{ steps.off.output.kind }}", "'off' was skipped", id="skipped"),
        pytest.param("{{ steps.bad.output }}", "'bad' was failed", id="failed"),
        pytest.param("{{ b + 1 }}", "out of range", id="over-64-bits"),
    ],
)
def test_what_has_no_value_is_an_error_in_a_sentence(source: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said) as raised:
        value(source, a={}, b=2**70, steps=STEPS)
    assert raised.value.remedy
    assert "INVALID_ARGUMENT" not in raised.value.message


@pytest.mark.parametrize(
    ("source", "at", "said"),
    [
        pytest.param("{{ nope.x }}", "nope", "nothing named 'nope'", id="name"),
        pytest.param("ä {{ 'é' == nope }}", "nope", "nothing named 'nope'", id="behind-accents"),
        pytest.param("{{\n  a +\n  nope }}", "nope", "nothing named", id="third-line"),
        pytest.param("{{ '''x\ny''' + nope }}", "nope", "nothing named", id="behind-lines-in-a-text"),
        pytest.param("{{ default(a.b, 1) + nope }}", "nope", "nothing named", id="behind-default"),
        pytest.param("{{ a }} {{ nope }}", "nope", "nothing named", id="second-expression"),
        pytest.param("{{ 3.0 + 1 }}", "+", "does not work on", id="operator"),
        pytest.param("{{ a b }}", "b", "cannot be read", id="syntax"),
        pytest.param("{{ 'abc }}", "'abc", "no closing quote", id="quote"),
        pytest.param("{{ }}", " }}", "no expression between", id="nothing"),
        pytest.param("{{ default(a, 1) }}", "default", "takes a path", id="own-function"),
    ],
)
def test_a_mistake_is_told_in_plain_words_where_it_is(source: str, at: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said) as raised:
        compile_template(source, ROOTS)
    assert raised.value.details["offset"] == source.index(at)


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        pytest.param("+".join(["1"] * 500), id="sum"),
        pytest.param("(" * 3000 + "1" + ")" * 3000, id="brackets"),
        pytest.param("text(" * 1000 + "1" + ")" * 1000, id="text"),
        pytest.param("default(a.b, " * 1000 + "1" + ")" * 1000, id="default"),
        pytest.param("[" * 3000 + "]" * 3000, id="lists"),
        pytest.param("a.x ? 1 : " * 3000 + "2", id="choices"),
    ],
)
def test_an_expression_that_is_too_deep_is_refused_in_plain_words(source: str) -> None:
    with pytest.raises(ExpressionError, match="too many parts") as raised:
        compile_template(f"{{{{ {source} }}}}", ROOTS)
    assert "flow.set" in raised.value.remedy


def test_a_tree_is_filled_and_everything_else_stays() -> None:
    tree = {"a": [compile_template("{{ a }}", ROOTS), "x", 1], "b": {"c": compile_template("n{{ a }}", ROOTS)}}
    assert render(tree, {"a": 5}) == {"a": [5, "x", 1], "b": {"c": "n5"}}


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))  # what no value from outside holds
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@pytest.mark.slow
@examples(200)
@given(JSON)
def test_any_json_survives_a_whole_expression(given_value: Any) -> None:
    for text in ("{{ a }}", "{{ [a][0] }}", "{{ {'k': a}.k }}"):
        assert json.dumps(value(text, a=given_value), sort_keys=True) == json.dumps(given_value, sort_keys=True)
    assert json.loads(value("{{ json(a) }}", a=given_value)) == given_value


@examples(200)
@given(st.text().filter(lambda text: "{{" not in text))
def test_a_text_without_braces_renders_as_itself(text: str) -> None:
    assert value(text) == text


@examples(200)
@given(TEXT)
def test_what_a_value_contains_is_never_expanded(text: str) -> None:
    hostile = text + "{{ b }}" + text
    assert value("{{ a }}", a=hostile, b="SECRET") == hostile
    assert value("<{{ a }}>", a=hostile, b="SECRET") == f"<{hostile}>"
    assert value("{{ a + a }}", a=hostile, b="SECRET") == hostile * 2


# Server-side template injections as they are published for Jinja2, Mako, Tornado, Django, ERB, Twig, Smarty,
# FreeMarker, Velocity, Thymeleaf, Handlebars, Pug, n8n, OGNL and SpEL, and what they become in our own braces.
PAYLOADS = """
7*7
'7'*7
''.__class__.__mro__[1].__subclasses__()
''.__class__.__base__.__subclasses__()[132].__init__.__globals__['popen']('id').read()
config.items()
config.__class__.__init__.__globals__['os'].popen('id').read()
self._TemplateReference__context.cycler.__init__.__globals__.os.popen('id').read()
request.application.__globals__.__builtins__.__import__('os').popen('id').read()
request|attr('application')|attr('\\x5f\\x5fglobals\\x5f\\x5f')
lipsum.__globals__.os.popen('id').read()
cycler.__init__.__globals__.os.popen('id').read()
joiner.__init__.__globals__.os.popen('id').read()
namespace.__init__.__globals__.os.popen('id').read()
url_for.__globals__['current_app'].config
get_flashed_messages.__globals__.__builtins__.open('/etc/passwd').read()
().__class__.__bases__[0].__subclasses__()
[].__class__.__base__
{}.__class__.__mro__
a.__class__
a.__init__.__globals__
a.__getattribute__('__class__')
a['__class__']
a.__dict__
a.format.__globals__
'{0.__class__.__init__.__globals__}'.format(a)
'%s' % a
__import__('os').system('id')
eval('1+1')
exec('import os')
open('/etc/passwd').read()
compile('1', '', 'eval')
globals()
locals()
vars()
getattr(a, '__class__')
lambda: 1
[x for x in ().__class__.__base__.__subclasses__()]
import os
%import os
self.module.cache.util.os.system('id')
handler.settings
settings.SECRET_KEY
debug
File.open('/etc/passwd').read
system('cat /etc/passwd')
`id`
_self.env.registerUndefinedFilterCallback('exec')
['id']|filter('system')
['id']|map('passthru')
dump(app)
app.request.server.all|join(',')
{php}echo `id`;{/php}
"freemarker.template.utility.Execute"?new()("id")
product.getClass().getProtectionDomain().getCodeSource()
#set($e="e")$e.getClass().forName("java.lang.Runtime")
T(java.lang.Runtime).getRuntime().exec('id')
new java.util.Scanner(T(java.lang.Runtime).getRuntime().exec('id').getInputStream())
@java.lang.Runtime@getRuntime().exec('id')
''.constructor.constructor('return process')()
this.constructor.constructor('return process.env')()
$input.constructor.constructor('return process')().mainModule.require('child_process').execSync('id')
global.process.mainModule.require('fs').readFileSync('/etc/passwd')
(function(){ return process })()
a=>a
range(0, 1e9).map(String)
constructor
__proto__
[1].map(x, x.constructor)
google.protobuf.Any{}
google.protobuf.Struct{fields: {}}
""".strip().splitlines()
FORBIDDEN = ("exec", "compile", "open", "import", "socket", "subprocess", "os.system", "os.exec", "os.posix_spawn")


class Watch:
    """Hears every event of the interpreter while it is on; an audit hook cannot be taken out again."""

    def __init__(self) -> None:
        self.is_on = False
        self.heard: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if self.is_on and event.startswith(FORBIDDEN):
            self.heard.append(event)

    @contextmanager
    def on(self) -> Iterator[list[str]]:
        """Listen inside the block."""
        self.heard.clear()
        self.is_on = True
        try:
            yield self.heard
        finally:
            self.is_on = False


WATCH = Watch()
NAMES: Mapping[str, Any] = {"a": "text", "b": {"k": [1]}, "steps": STEPS, "inputs": {}}


def _tried(text: str) -> Any:
    try:
        return compile_template(text, ROOTS).value(NAMES)
    except ExpressionError as error:
        return error


def test_the_watch_hears_what_it_must() -> None:
    with WATCH.on() as heard:
        eval(compile("1 + 1", "x", "eval"))
    assert set(heard) >= {"exec", "compile"}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_an_injected_template_reaches_nothing(payload: str) -> None:
    texts = [form.replace("X", payload) for form in ("{{ X }}", "{{X}}", "a{{ X }}b", "{{ text(X) }}", "{{ [X] }}")]
    for text in texts:
        _tried("{{ 1 }}")
        _tried(text)  # once before: what is imported lazily is imported
    with WATCH.on() as heard:
        results = [_tried(text) for text in texts]
        shown = compile_template("{{ a }}<{{ a }}>", ROOTS).value(
            {"a": f"{{{{ {payload} }}}} ${{{payload}}} <%= {payload} %>"}
        )
    assert heard == []
    assert payload in shown
    for result in results:
        said = str(result)
        assert "root:" not in said
        assert "<class" not in said
        assert "built-in" not in said


@pytest.mark.parametrize(
    "payload", ["${7*7}", "#{7*7}", "<%= 7*7 %>", "{% print(7*7) %}", "*{7*7}", "@(7*7)", "[[7*7]]"]
)
def test_no_other_braces_mean_anything(payload: str) -> None:
    assert value(payload) == payload


@pytest.mark.parametrize(
    ("source", "said", "remedy"),
    [
        pytest.param("{{ b[0] }}", "There is no item 0 in the list: it is empty.", "size(", id="empty-list"),
        pytest.param("{{ b['x'] }}", "by a whole number, not by text", "x[0]", id="index-kind"),
        pytest.param("{{ a + 1 }}", "'+' does not work on text and a whole number.", "string(x)", id="operator"),
        pytest.param("{{ steps.done.output.none + 1 }}", "null and a whole number", "== null ?", id="null"),
        pytest.param("{{ a.k }}", "'a' is text; it has no field 'k'.", "last name", id="no-object"),
        pytest.param("{{ a ? 1 : 2 }}", "neither true nor false", "==", id="condition"),
        pytest.param("{{ int(a) }}", "Text cannot be turned into a whole number.", "Look", id="conversion"),
        pytest.param("{{ a.substring(0, 2) }}", "after the text, which has 1 character.", "size(x) > 2", id="short"),
        pytest.param("{{ a.substring(1, 0) }}", "substring(1, 0) ends before it begins.", "lower", id="backwards"),
        pytest.param("{{ a.substring(-1, 0) }}", "begins before the text.", "counted from 0", id="negative"),
        pytest.param("{{ a.substring(2) }}", "The text is shorter than that.", "size(text)", id="begins-late"),
        pytest.param("{{ a.substring(-1) }}", "a negative number is not a place", "from 0", id="begins-early"),
        pytest.param("{{ a.indexOf('x', 7) }}", "The text is shorter than that.", "size(text)", id="looks-late"),
        pytest.param("{{ steps.done.output.n.substring(0, 1) }}", "'substring' does not work on a", "", id="no-text"),
        pytest.param("{{ steps.done.output.kin }}", "no 'kin' in", "Did you mean 'kind'?", id="near"),
    ],
)
def test_an_error_at_run_time_is_told_in_plain_words(source: str, said: str, remedy: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        value(source, a="x", b=[], steps=STEPS)
    assert said in raised.value.message
    assert remedy in raised.value.remedy


def test_an_error_inside_a_tree_names_its_place() -> None:
    tree = {"values": {"l": [1, {"m": compile_template("x {{ a }}", ROOTS)}]}}
    with pytest.raises(ExpressionError) as raised:
        render(tree, {"a": None})
    assert raised.value.details["field"] == "values.l.1.m"


_MANY_NULLS = """
from engine.expressions.expressions import compile_template
nulls = compile_template("{{ a.map(x, x) }}", frozenset({"a"}))
for _ in range(500):
    assert nulls.value({"a": [None] * 100}) == [None] * 100
import gc
gc.collect()
"""


def test_nulls_do_not_use_none_up() -> None:
    """In a process of its own, which dies if None has lost all its references."""
    done = subprocess.run(
        [sys.executable, "-c", _MANY_NULLS], capture_output=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("{{ a.map(k, k).join('') }}", "abcdefghijklmnop", id="map"),
        pytest.param("{{ a.filter(k, a[k] < 4).join('') }}", "mnop", id="filter"),
        pytest.param("{{ dyn(a.map(k, k)).map(k, k).join('') }}", "abcdefghijklmnop", id="in-what-is-gone-through"),
        pytest.param("{{ [a].map(one, one.map(k, a[k]))[0][0] }}", 15, id="inside-a-macro"),
        pytest.param(
            "{{ {'z': 1, 'b': 2, 'x': 3, 'a': 4, 'y': 5, 'c': 6}.map(k, k).join('') }}", "abcxyz", id="literal"
        ),
        pytest.param("{{ {12: 1, 5: 2, 7: 3, 3: 4, 9: 5, 1: 6}.map(k, k) }}", [1, 3, 5, 7, 9, 12], id="numbers"),
        pytest.param("{{ default(b.missing, a).map(k, k).join('') }}", "abcdefghijklmnop", id="default"),
    ],
)
def test_macros_go_through_the_keys_of_an_object_in_order(source: str, expected: Any) -> None:
    assert value(source, a={key: place for place, key in enumerate("ponmlkjihgfedcba")}, b={}) == expected


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("{{ a.map(k, k) }}", "goes through a list", id="a-number"),
        pytest.param("{{ b.map(k, k) }}", "goes through a list", id="a-null"),
        pytest.param("{{ {1: 'a', true: 'b'}.map(k, text(k)) }}", "keys such as 1 and true", id="equal-keys"),
    ],
)
def test_a_macro_over_what_it_cannot_go_through_is_an_error(source: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        value(source, a=3, b=None)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("{{ default(a.owner.name, 'nobody') }}", "nobody", id="null"),
        pytest.param("{{ default(a.owner.name.first, 'nobody') }}", "nobody", id="further-names"),
        pytest.param("{{ default(a.owner[0], 'nobody') }}", "nobody", id="an-item-of-null"),
        pytest.param("{{ default(b.name, 'nobody') }}", "nobody", id="the-first-name"),
        pytest.param("{{ [a.owner, {'name': 'Ann'}].map(one, default(one.name, '?')) }}", ["?", "Ann"], id="macro"),
        pytest.param("{{ a.?owner.?name.orValue('nobody') }}", "nobody", id="optional"),
        pytest.param("{{ a.?owner.?name.hasValue() }}", False, id="has-value"),
        pytest.param("{{ default(a.owner, 'nobody') }}", None, id="null-itself-is-there"),
    ],
)
def test_a_field_of_null_is_missing(source: str, expected: Any) -> None:
    assert value(source, a={"owner": None}, b=None) == expected


def test_a_default_for_a_field_of_a_text_names_the_mistake() -> None:
    with pytest.raises(ExpressionError, match="This is text; it has no field"):
        value("{{ default(a.owner.name, 'nobody') }}", a={"owner": "Ann"})
