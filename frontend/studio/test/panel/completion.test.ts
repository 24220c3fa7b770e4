import { describe, expect, test } from "vitest";

import { accepted, closed, fitting, wordAt, type ScopeName } from "../../src/panel/completion";

const name = (name: string, more: Partial<ScopeName> = {}): ScopeName => ({
  name, type: "string", may_be_missing: false, from_outside: false, title: "", sample: null, ...more,
});
// `|` is the caret.
const at = (marked: string) => ({ text: marked.replace("|", ""), caret: marked.indexOf("|") });
const marked = ({ text, caret }: { text: string; caret: number }) => `${text.slice(0, caret)}|${text.slice(caret)}`;

describe("the word that is completed", () => {
  test.each([
    ["{{ ste| }}", "ste"],
    ["a {{ b }} {{ mail.su|bj }} c", "mail.su"],
    ["{{ size(steps.a.outp|", "steps.a.outp"],
    ["{{ | }}", ""],
    ['{{ steps.a.output["x-|', 'steps.a.output["x-'],
  ])("%s", (text, word) => expect(wordAt(at(text))?.word).toBe(word));

  test.each(["ste|", "{{ a }} ste|", "{| a }}", "{{ 'it is ste| ' }}"])("is none in %s", (text) => expect(wordAt(at(text))).toBeUndefined());
});

test("the nearest names come first", () => {
  const names = [name("steps.a.output.mail"), name("inputs.x", { title: "A mail" }), name("mail.subject"), name("other"), name("my_mail")];
  expect(fitting(names, "mail").map((one) => one.name)).toEqual(["mail.subject", "steps.a.output.mail", "my_mail", "inputs.x"]);
});

describe("accepting", () => {
  test.each([
    ["{{ ma| }}", name("mail.subject"), "{{ mail.subject| }}"],
    ["{{ ma|il.sub }}", name("mail.subject"), "{{ mail.subject| }}"],
    ["New: |", name("mail.subject"), "New: {{ mail.subject| }}"],
    ["{{ lo| }}", name("lookup.owner", { may_be_missing: true }), "{{ default(lookup.owner, '')| }}"],
    ["{{ lo| }}", name("lookup.n", { may_be_missing: true, type: "integer" }), "{{ default(lookup.n, 0)| }}"],
    ["{{ lo| }}", name("lookup.all", { may_be_missing: true, type: "list of object" }), "{{ default(lookup.all, [])| }}"],
    ["{{ has(lo|) }}", name("lookup.owner", { may_be_missing: true }), "{{ has(lookup.owner|) }}"],
  ])("in %s", (text, chosen, wanted) => expect(marked(accepted(at(text), chosen))).toBe(wanted));
});

test("braces are closed once", () => {
  expect(marked(closed("a {", at("a {{|")))).toBe("a {{ | }}");
  expect(marked(closed("{ }}", at("{{| }}")))).toBe("{{| }}");
  expect(marked(closed("a {{x", at("a {{|")))).toBe("a {{|");
});

test("what is there already is not typed twice", () => {
  const typing = (text: string) => [...text].reduce((now, key) => {
    const next = { text: now.text.slice(0, now.caret) + key + now.text.slice(now.caret), caret: now.caret + 1 };
    return closed(now.text, next);
  }, { text: "", caret: 0 });
  expect(marked(typing("a {{ mail.id }} b"))).toBe("a {{ mail.id }} b|");
  expect(marked(typing("{{mail.id}}"))).toBe("{{ mail.id }}|");
  expect(marked(typing("{{ {'a': 1} }}"))).toBe("{{ {'a': 1} }}|");
  expect(marked(typing('{"a": {"b": 1}}'))).toBe('{"a": {"b": 1}}|');
});
