// Expressions in words.
import { expect, test } from "vitest";

import type { ScopeName } from "../src/panel/completion";
import { speak } from "../src/language";
import { chipOf, clauseOf, filterOf, groupOf, meaning, valuesFor } from "../src/panel/meaning";

const name = (of: string, title = "", type = "string"): ScopeName => ({ name: of, type, may_be_missing: false, from_outside: false, title, sample: null });
const NAMES = [name("mail", "", "object"), name("mail.subject", "Subject"), name("mail.can_reply"), name("steps.read.output", "", "object"), name("steps.read.output.vendor"), name("inputs.since", "Only mails since"), name("size(x)", "How many", "function")];

test.each([
  ["{{ mail.subject }}", "Subject of the mail"],
  ["{{ (mail.subject == '' ? '(no subject of mail.can_reply)' : mail.subject) }}", "Subject of the mail"],
  ["{{ mail.subject.lowerAscii() }} {{ mail.can_reply }}", "Subject of the mail, can reply of the mail"],
  ["{{ steps.read.output.vendor }} {{ steps.read.output }}", "vendor of “Find it”, what “Find it” gives"],
  ["{{ inputs.since }}", "the input “Only mails since”"],
  ["{{ text(mail) }}", "the mail"],
  ["mail.subject", ""],
  ["{{ unknown.thing }}", ""],
])("%s", (text, words) => {
  expect(meaning(text, NAMES, () => "Find it")).toBe(words);
});

test.each([
  ["mail.subject", "Subject of the mail", ""],
  ["default(mail.subject, '')", "Subject of the mail", ""],
  ["default(mail.subject, 'none')", "a formula", "Subject of the mail"],
  ["mail.subject + ' ' + mail.can_reply", "a formula", "Subject of the mail, can reply of the mail"],
  ["steps.gone.output.who", "who of “Find it”", ""],
  ["steps.read.status", "how “Find it” ended", ""],
  ["size(mail.labels)", "number of labels of the mail", ""],
  ["mail.labels.filter(m, size(m) > 3)", "some of labels of the mail", ""],
  ["mail.labels.filter(m, m.x).filter(n, n.y)", "a formula", "the mail"],
  ["true", "a formula", ""],
])("the words of %s", (expression, words, about) => {
  expect(chipOf(expression, NAMES, () => "Find it")).toEqual({ words, about });
});

test("a condition is a clause, whatever is in it", () => {
  const say = (text: string) => clauseOf(text, NAMES, () => "Find it");
  expect(say("{{ mail.subject == 'x' && mail.can_reply }}")).toBe("Subject of the mail is “x” and can reply of the mail is yes");
  expect(say("{{ mail.subject.size() > mail.x }}")).toBe("a formula with Subject of the mail, the mail is true");
  expect(say("{{ 1 > 2 }}")).toBe("a formula is true");
});

test("a filter has its parts", () => {
  expect(filterOf("default(steps.a.output.rows, []).filter(one, one.x == ')')")).toEqual({ list: "default(steps.a.output.rows, [])", variable: "one", condition: "one.x == ')'" });
  expect(filterOf("a.filter(m, m.x).size()")).toBeUndefined();
});

test("values are found by what they are called, then by all else", () => {
  const names = [{ ...name("steps.read.output.note"), title: "Takes the subject and a very long description of it" }, name("mail.subject", "Subject"), { ...name("mail.id"), sample: '"subject-7"' }, name("inputs.since")];
  expect(valuesFor(names, "Subject", () => "Find it").map((one) => one.name)).toEqual(["mail.subject", "mail.id", "steps.read.output.note"]);
});

test.each([
  ["sender", ["mail.from", "steps.read.output.messages[0].from"]],
  ["Absender", ["mail.from", "steps.read.output.messages[0].from"]],
  ["recipient", ["mail.to"]],
  ["Empfänger", ["mail.to"]],
  ["Title", ["mail.subject"]],
  ["Betreff", ["mail.subject"]],
])("%s finds the values that people call so", (sought, found) => {
  speak({ sender: "Absender", recipient: "Empfänger", subject: "Betreff" });
  const names = ["steps.read.output.messages[0].from", "mail.from", "mail.to", "mail.subject", "mail.id"].map((of) => name(of));
  expect(valuesFor(names, sought, () => "Find it").map((one) => one.name)).toEqual(found);
  speak({});
});

test("the item of the loop is first, what is in whole lists last", () => {
  const names = ["steps.read.output", "steps.read.output.messages[0].from", "mail.from", "inputs.since"].map((of) => name(of));
  const found = valuesFor(names, "", () => "Find it");
  expect(found.map((one) => one.name)).toEqual(["mail.from", "steps.read.output", "inputs.since", "steps.read.output.messages[0].from"]);
  expect(found.map((one) => groupOf(one).heading)).toEqual(["The mail at hand", "Other values", "Other values", "In the first item of a list"]);
});
