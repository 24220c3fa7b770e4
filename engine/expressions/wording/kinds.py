"""Explain which types of values an operator or function does not accept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_TYPE_WORDS = {
    "string": "text",
    "int": "a whole number",
    "int64": "a whole number",
    "uint": "a whole number",
    "uint64": "a whole number",
    "double": "a number with a point",
    "bool": "true or false",
    "null_type": "null",
    "timestamp": "a time",
    "google.protobuf.Timestamp": "a time",
    "duration": "a duration",
    "google.protobuf.Duration": "a duration",
    "list": "a list",
    "google.protobuf.ListValue": "a list",
    "map": "an object",
    "dyn": "a value",
    "google.protobuf.Value": "a value",
    "any": "a value",
    "bytes": "bytes",
    "type": "a type",
    "optional_type": "a value that may be missing",
}
_CONDITIONS = ("_&&_", "_||_", "!_")
_CONDITION_REMEDY = "Compare it with something, like x == 'yes' or x > 0."
_ITEMS = ("_[_]", "_[?_]")
Words = tuple[str, str]


def word(kind: str) -> str:
    """Return a readable name of a CEL type: "text", "a list"."""
    if kind.startswith("wrapper("):
        return word(kind[8:-1])
    if _is_open(kind):
        return "a value"
    return _TYPE_WORDS.get(kind.split("(", 1)[0].split("<", 1)[0], "an object")


def _is_open(kind: str) -> bool:
    """Return whether the checker has left a type undecided."""
    return kind.startswith("T%") or not kind


def split_kinds(kinds: str) -> list[str]:
    """Split the types in a CEL message at the commas outside brackets: `list(map(string, dyn)), int`."""
    depth, found = 0, [""]
    for character in kinds:
        depth += (character in "(<") - (character in ")>")
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return [one.strip() for one in found if one.strip()]


def refusal(function: str, kinds: Sequence[str]) -> Words:
    """Return (message, remedy) for a function that does not accept these types."""
    for applies, words in _SPECIAL:
        if applies(function, kinds):
            return words(function, kinds)
    name = {"@in": "in"}.get(function, function).strip("_").replace("_", " ").strip() or function
    said = " and ".join(map(word, kinds)) or "nothing"
    return f"{name!r} does not work on {said}.", overload_remedy(kinds)


def overload_remedy(kinds: Sequence[str]) -> str:
    """Return what to do when types do not match."""
    plain = {_unwrapped(kind).removesuffix("64") for kind in kinds}
    words = [word(kind) for kind in kinds]
    if any(kind.startswith("optional_type") for kind in kinds):
        return "Give a default for where it is missing: end it with .orValue(…)."
    if plain == {"int", "double"}:
        return "Write the whole number with a point, like 1.0, or convert with double(x)."
    if "null_type" in plain:
        return "Give it a value first: x == null ? 'text' : x."
    if "string" in plain and {"a time", "a duration"} & set(words):
        return "Turn the text into a time with timestamp(x), such as timestamp(run.started_at)."
    if len(words) == 1 and words[0] in ("an object", "a list"):
        return "Turn it into text with json(x), or take one field or item of it."
    if len(words) == 1:
        return "It takes another kind, such as text or a list; string(x), int(x) and double(x) convert."
    if "string" in plain and len(plain) > 1 and not {"an object", "a list"} & set(words):
        return "Turn the other side into text with string(x) or text(x)."
    return "Both sides must be of kinds that go together; string(x), int(x) and double(x) convert."


def _unwrapped(kind: str) -> str:
    return kind[8:-1] if kind.startswith("wrapper(") else kind


def _is_condition(kind: str) -> bool:
    return _unwrapped(kind) in ("bool", "dyn") or _is_open(kind)


def _condition(function: str, kinds: Sequence[str]) -> Words:
    asked = kinds[:1] if function == "_?_:_" else kinds
    wrong = next(kind for kind in asked if not _is_condition(kind))
    return f"The condition is {word(wrong)}, not true or false.", _CONDITION_REMEDY


def _has_no_condition(function: str, kinds: Sequence[str]) -> bool:
    asked = kinds[:1] if function == "_?_:_" else kinds if function in _CONDITIONS else ()
    return not all(map(_is_condition, asked))


def _choice(_function: str, kinds: Sequence[str]) -> Words:
    said = f"'? :' gives {word(kinds[1])} on one side and {word(kinds[2])} on the other."
    words = {word(one) for one in kinds[1:]}
    if words & {"an object", "a list"}:
        return said, "Give the same kind of value, or null, on both sides."
    return said, overload_remedy(kinds[1:])


def _default(function: str, kinds: Sequence[str]) -> Words:
    if not kinds[0].startswith("optional_type("):
        said = f"{function!r} is for what may be missing, and this is {word(kinds[0])}."
        return said, "Take it off, or write default(path, value)."
    wanted = word(kinds[0][14:-1])
    return f"{function!r} stands in for {wanted} with {word(kinds[1])}.", f"Let it be {wanted}, too, or null."


def _item(_function: str, kinds: Sequence[str]) -> Words:
    holder = kinds[0][14:-1] if kinds[0].startswith("optional_type(") else kinds[0]
    if holder.startswith("wf."):
        said = "What stands here has fixed names; '[ ]' cannot choose among them."
        return said, "Write the name itself behind a dot, like steps.read."
    if word(holder) == "a list":
        return index_words(word(kinds[1]))
    if word(holder) == "an object":
        said = f"A field of an object is named by text, not by {word(kinds[1])}."
        return said, "Turn it into text with string(x)."
    return f"This is {word(holder)}; only a list or an object has items.", "Take the brackets off."


def index_words(seen: str) -> Words:
    """Return (message, remedy) for a list index that is not a whole number."""
    return f"An item of a list is named by a whole number, not by {seen}.", "Write x[0], or int(…) inside."


def _in(_function: str, kinds: Sequence[str]) -> Words:
    if kinds[1].startswith("wf."):
        return "'in' does not look into what has fixed names.", "Ask has(x.name) instead."
    if word(kinds[1]) == "a list":
        said = f"The list has other items than {word(kinds[0])}, so that it is never in it."
        return said, overload_remedy(kinds)
    seen = word(kinds[1])
    remedy = (
        "For a part of a text write x.contains('part')." if seen == "text" else "Name a list, like x in ['a', 'b']."
    )
    return f"'in' looks into a list or an object, and this is {seen}.", remedy


def join_words(seen: str) -> Words:
    """Return (message, remedy) for a list of other values than texts that is to be joined."""
    return (
        f"'join' takes a list of texts, and this is {seen}.",
        "Make texts of the items: x.map(i, text(i)).join(', ').",
    )


def _join(_function: str, kinds: Sequence[str]) -> Words:
    if len(kinds) > 1 and word(kinds[1]) != "text":
        return f"'join' puts {word(kinds[1])} between the texts.", "Write the separator as a text: x.join(', ')."
    if word(kinds[0]) != "a list":
        return join_words(word(kinds[0]))
    items = split_kinds(kinds[0][5:-1])
    return join_words(f"a list of {word(items[0])}" if items else "a list")


def _clock(function: str, _kinds: Sequence[str]) -> Words:
    return f"{function!r} does not work on text.", f"Make a time of it first: timestamp(x).{function}()."


_SPECIAL: Sequence[tuple[Callable[[str, Sequence[str]], bool], Callable[[str, Sequence[str]], Words]]] = (
    (_has_no_condition, _condition),
    (lambda function, kinds: function == "_?_:_" and len(kinds) == 3, _choice),
    (lambda function, kinds: function in ("orValue", "default") and len(kinds) == 2, _default),
    (lambda function, kinds: function in _ITEMS and len(kinds) == 2, _item),
    (lambda function, kinds: function == "@in" and len(kinds) == 2, _in),
    (lambda function, kinds: function == "join" and len(kinds) > 0, _join),
    (lambda function, kinds: function.startswith("get") and kinds[:1] == ["string"], _clock),
)
