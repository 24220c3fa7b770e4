"""How the demo model plays a software builder: three small programs that it knows by heart, and says so.

It plans and writes no program by itself. Each script makes a mistake first, so that a failed test
and its repair are seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.model.document import text_of

PLAN = "Plan of a program"
"""The title of the schema of a plan, in the workflow `build-software`."""
WRITTEN_PLAN = re.compile(r"^PLAN (?P<plan>\{.*\})$", re.MULTILINE)
TOOLS = frozenset({"read", "write", "edit", "test"})
_NOTE = "This is one of three examples that the model of the demo knows by heart; connect a model to build your own."


@dataclass(frozen=True)
class Example:
    """A program: its acceptance tests, a first text with a mistake, and the edit that corrects it."""

    words: tuple[str, ...]
    """A request that has one of them means this example."""
    title: str
    path: str
    text: str
    old: str
    new: str
    test_path: str
    test: str
    command: str
    more: tuple[tuple[str, str], ...] = ()
    """Other files, which are right at once."""

    def plan(self) -> dict[str, Any]:
        """Return the plan, as the schema of the workflow wants it."""
        return {
            "title": self.title,
            "summary": f"{self.title}. {_NOTE}",
            "files": [{"path": path, "purpose": "The program"} for path in (self.path, *dict(self.more))],
            "tests": [{"path": self.test_path, "text": self.test}],
            "command": self.command,
        }

    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what it does, turn by turn."""
        edit = "\n".join([self.path, "<" * 7 + " SEARCH", self.old, "=" * 7, self.new, ">" * 7 + " REPLACE"])
        return [
            ("read", {"paths": [self.test_path]}),
            *(("write", {"path": path, "text": text}) for path, text in self.more),
            ("write", {"path": self.path, "text": self.text}),
            ("test", {}),
            ("edit", {"edits": edit}),
            ("test", {}),
            ("finish", {"output": f"Built: {self.title}. {_NOTE}"}),
        ]


EXAMPLES = (
    Example(
        ("page", "website", "html", "javascript", "converter"),
        "A page that converts degrees",
        "convert.js",
        """const toFahrenheit = (celsius) => celsius * 9 / 5;

if (typeof module !== "undefined") module.exports = { toFahrenheit };
if (typeof document !== "undefined") {
  const [given, shown] = ["celsius", "fahrenheit"].map((id) => document.getElementById(id));
  given.addEventListener("input", () => { shown.textContent = toFahrenheit(Number(given.value)).toFixed(1); });
}
""",
        "const toFahrenheit = (celsius) => celsius * 9 / 5;",
        "const toFahrenheit = (celsius) => celsius * 9 / 5 + 32;",
        "convert.test.js",
        """const test = require("node:test");
const assert = require("node:assert");
const { toFahrenheit } = require("./convert.js");

test("water freezes and boils", () => {
  assert.strictEqual(toFahrenheit(0), 32);
  assert.strictEqual(toFahrenheit(100), 212);
});
""",
        "node --test",
        (
            (
                "index.html",
                """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Degrees</title>
<p><label>Celsius <input id="celsius" type="number"></label> are <output id="fahrenheit"></output> °F</p>
<script src="convert.js"></script>
</html>
""",
            ),
        ),
    ),
    Example(
        ("todo", "to-do", "task", "shell"),
        "A list of things to do for the shell",
        "todo.sh",
        """#!/bin/sh
# todo.sh add WORDS | list | done NUMBER: a list of things to do in the file $TODO
: "${TODO:=todo.txt}"
touch "$TODO"
case "$1" in
  add) shift; echo "$*" >> "$TODO" ;;
  list) cat "$TODO" ;;
  done) sed -i "$2d" "$TODO" ;;
  *) echo "Use: todo.sh add WORDS | list | done NUMBER" >&2; exit 2 ;;
esac
""",
        '  list) cat "$TODO" ;;',
        '  list) awk \'{print NR ". " $0}\' "$TODO" ;;',
        "test_todo.sh",
        """#!/bin/sh
set -e
TODO=$(mktemp); export TODO
sh todo.sh add buy milk
sh todo.sh add call Ada
test "$(sh todo.sh list)" = "$(printf '1. buy milk\\n2. call Ada')"
sh todo.sh done 1
test "$(sh todo.sh list)" = "1. call Ada"
""",
        "sh test_todo.sh",
    ),
    Example(
        ("word", "count", "text", "python"),
        "A command that counts words",
        "words.py",
        '''"""Count the words of a text: `python3 words.py FILE`."""

import re
import sys
from collections import Counter


def count(text):
    """Return (word, count) pairs, the most frequent ones first."""
    return Counter(re.findall(r"\\w+", text)).most_common()


if __name__ == "__main__":
    for word, number in count(open(sys.argv[1], encoding="utf-8").read()):
        print(number, word)
''',
        '    return Counter(re.findall(r"\\w+", text)).most_common()',
        '    return Counter(re.findall(r"\\w+", text.lower())).most_common()',
        "test_words.py",
        """import unittest

from words import count


class Words(unittest.TestCase):
    def test_the_most_frequent_come_first_whatever_their_case(self):
        self.assertEqual(count("The cat, the dog"), [("the", 2), ("cat", 1), ("dog", 1)])

    def test_a_text_without_words_has_none(self):
        self.assertEqual(count("?!"), [])


if __name__ == "__main__":
    unittest.main()
""",
        "python3 -m unittest",
    ),
)


def is_plan(schema: Mapping[str, Any]) -> bool:
    """Return whether the plan of a program is asked for."""
    return schema.get("title") == PLAN


def plan(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the plan of the example that a request means, or the one that a line `PLAN {…}` of it writes out."""
    users = [text_of(one) for one in messages if one.get("role") == "user"]
    written = WRITTEN_PLAN.search(users[0] if users else "")
    return written["plan"] if written else json.dumps(_example(messages).plan())


def next_call(messages: Sequence[Mapping[str, Any]], turn: int) -> tuple[str, dict[str, Any]]:
    """Return the next call of the agent that builds, and its arguments."""
    calls = _example(messages).calls()
    return calls[min(turn, len(calls) - 1)]


def _example(messages: Sequence[Mapping[str, Any]]) -> Example:
    users = [text_of(one) for one in messages if one.get("role") == "user"]
    request = (users[0] if users else "").removeprefix("Task:").partition("\n\nPlan:")[0].casefold()
    return next((one for one in EXAMPLES if any(word in request for word in one.words)), EXAMPLES[-1])
