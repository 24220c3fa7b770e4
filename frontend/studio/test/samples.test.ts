// What the fields of a step would be.
import { expect, test } from "vitest";

import { plainValue, samplesOf } from "../src/panel/samples";

test.each([
  ['"a \\"b\\""', 'a "b"'],
  ['"cut at the e', "cut at the e"],
  ["[1, 2]", "[1, 2]"],
  ["3", "3"],
  ['"Hello\\n\\nyou"', "Hello you"],
  ['"Hello\\n\\ncut…', "Hello cut…"],
  ['["a\\nb"]', '["a b"]'],
])("%s is shown as %s", (value, shown) => {
  expect(plainValue(value)).toBe(shown);
});

test("the first time counts, and only what is known", () => {
  const field = { was: null, why: "" };
  const cases = [{ path: "a[0].b", key: "", will: "run" as const, why: "", output: null, fields: [{ name: "title", value: '"x"', ...field }, { name: "if", value: null, ...field }] }];
  const prediction = { rev: "r", run_id: "1", why: "", steps: [{ path: "a.b", type: "any", may_be_missing: false, counts: {}, cases }] };
  expect([samplesOf(prediction, "a.b"), samplesOf(prediction, "a.c"), samplesOf(null, "a.b")]).toEqual([{ title: "x" }, {}, {}]);
});
