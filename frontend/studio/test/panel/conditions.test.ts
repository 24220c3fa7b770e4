// Conditions as rows: what the form writes is read back as the same, and what it does not know stays as it is.
import { describe, expect, test } from "vitest";

import { conditionOf, conditionWords, isRow, opsFor, takesList, takesNothing, written, type Condition, type Kind, type Op, type Row } from "../../src/panel/conditions";

// Return the same numbers below 1 each time.
function* numbers(seed: number): Generator<number, never> {
  for (let at = seed; ; ) {
    at = (at * 1_664_525 + 1_013_904_223) % 2 ** 32;
    yield at / 2 ** 32;
  }
}

const VALUES: Record<Kind, string[]> = {
  text: ["mail.subject", "mail.from", "default(steps.look.output.sender, '')", 'steps.sort.output["a b"].kind', "steps.mails.output.messages[0].to", "name"],
  number: ["inputs.limit", "default(steps.pay.output.sum, 0.0)", "mail.size", "default(mail.count, 0)"],
  list: ["mail.labels", "default(steps.find.output.issues, [])"],
  boolean: ["steps.check.output.valid", "default(steps.read.output.done, false)"],
};
const TEXTS = ["ann@example.com", "it's", 'say "no"', "a\\b", "}} or {{", "}}}", "rechnung für märz", "ÄRGER (neu)?", "two\nlines", "a|b", "  ", "in", "&& x || y", "'", "日本", "🙂", "//", "\\"];
const NUMBERS = ["0", "1", "5", "-3", "0.5", "1e+21", "2.5E-3"];

// Of texts that are sought in others, capital letters make no difference.
const low = (text: string, isSought: boolean): string => (isSought && /^[\0-\x7f]*$/.test(text) ? text.toLowerCase() : text);

function made(random: Generator<number, never>): Condition {
  const one = <T>(of: readonly T[]): T => of[Math.floor(random.next().value * of.length)]!;
  const rows = Array.from({ length: 1 + Math.floor(random.next().value * 4) }, (): Row => {
    const kind = one(Object.keys(VALUES) as Kind[]);
    const value = one(VALUES[kind]);
    const op: Op = one(opsFor(kind, value));
    const isCount = kind === "number" || op === "more" || op === "less";
    const several = Array.from({ length: 1 + Math.floor(random.next().value * 3) }, () => low(one(TEXTS), true));
    return { value, kind, op, operand: takesNothing(op) ? "" : takesList(op) ? several : isCount ? one(NUMBERS) : low(one(TEXTS), kind === "text" && op.startsWith("contains")) };
  });
  return { join: rows.length > 1 && random.next().value < 0.5 ? "any" : "all", rows };
}

const withoutSources = ({ join, rows }: Condition) => ({ join, rows: rows.map((row) => (isRow(row) ? (({ source: _, ...rest }) => rest)(row) : row)) });

test("whatever the form writes is read back as the same, and written again letter by letter", () => {
  const random = numbers(7);
  for (let count = 0; count < 5000; count += 1) {
    const condition = made(random);
    const source = written(condition)!;
    const back = conditionOf(source);
    expect(back && withoutSources(back), source).toEqual(condition);
    expect(written(back!), source).toBe(source);
    expect(source).not.toMatch(/\}\}|\{\{/);
  }
});

describe("as the wizard and the examples write it", () => {
  const say = (value: string) => value.split(".").at(-1)!.replace(/, .*/, "");
  test.each([
    ["steps.classify.output.kind == 'task'", "kind is “task”"],
    ["steps.read.output.needs_answer && steps.read.output.answer != ''", "needs_answer is yes and answer is not empty"],
    ["['ann@x.org', 'y.org'].exists(w, ('@' + address(mail.from)).endsWith('@' + w))", "from is one of “ann@x.org”, “y.org”"],
    ["['ann@x.org', 'bo@x.org'].exists(w, mail.from.lowerAscii().contains(w))", "from contains one of “ann@x.org”, “bo@x.org”"],
    ["['a', 'b'].exists(w, mail.subject.lowerAscii().contains(w))", "subject contains one of “a”, “b”"],
    ["mail.subject.matches('(?i)märz')", "subject contains “märz”"],
    ["size(steps.commits.output.commits) > 0", "commits is not empty"],
    ["size(mails) > 5", "mails has more entries than 5"],
    ["!steps.check.output.valid || 'archived' in mail.labels", "valid is no or labels contains “archived”"],
    ["!('archived' in mail.labels)", "labels does not contain “archived”"],
    ["((mail.size) > 10)", "formula"],
    ["(mail.size > 10)", "size is more than 10"],
    ["mail.subject == 'x' && mail.date > run.started_at", "subject is “x” and formula"],
  ])("%s", (source, words) => expect(conditionWords(source, say, () => "formula")).toBe(words));
});

// Nothing of these is shown as rows.
const OTHERS = [
  "a ? b : c == 'x'", "a && b || c", "mail.date > run.started_at", "a.filter(m, m.x).size() > 0", "mail.from in ['ann@x.org']",
  "mail.subject.lowerAscii().contains('ABC')", "mail.subject.matches('(?i)a.c')", "a == 'x' // why", "r'a' == b", "'''a''' == b", "a == 'it\\x41'", "a == b", "!a == 'x'", "", "(a", "a == null",
];

test.each(OTHERS)("%s stays what it is", (source) => expect(conditionOf(source)).toBeUndefined());

test("a part that fits no row is kept letter by letter beside one that changes", () => {
  const found = conditionOf("mail.subject  ==  'x' &&  mail.date>run.started_at && ( mail.size > 3)")!;
  const [first, ...rest] = found.rows;
  const changed: Row = { ...(first as Row), operand: "y" };
  delete changed.source;
  expect(written({ ...found, rows: [changed, ...rest] })).toBe("mail.subject == 'y' && mail.date>run.started_at && ( mail.size > 3)");
});

test("what lacks a value is not written", () => {
  const row: Row = { value: "mail.subject", kind: "text", op: "is", operand: "x" };
  for (const lacking of [{ value: "" }, { operand: "" }, { op: "one_of" as const, operand: [""] }, { kind: "number" as const, operand: "many" }]) {
    expect(written({ join: "all", rows: [row, { ...row, ...lacking }] })).toBeUndefined();
  }
});
