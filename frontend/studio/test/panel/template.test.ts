// A text with expressions in its parts.
import { expect, test } from "vitest";

import { partsOf, wholeOf } from "../../src/panel/template";

test.each([
  ["New: {{ mail.subject }}!", ["New: ", "{{ mail.subject }}", "!"]],
  ["{{ a }}{{ b }}", ["{{ a }}", "{{ b }}"]],
  ["{{ '}}' }} x", ["{{ '}}' }}", " x"]],
  ["{{ {'a': {'b': 1}} }}", ["{{ {'a': {'b': 1}} }}"]],
  ["{{ size([1]) }} {{ open", ["{{ size([1]) }}", " {{ open"]],
  ["{{ a) }}", ["{{ a) }}"]],
  ["", []],
])("%s", (text, parts) => {
  expect(partsOf(text).map((one) => one.text)).toEqual(parts);
  expect(partsOf(text).filter((one) => one.isExpression).every((one) => one.text.startsWith("{{") && one.text.endsWith("}}"))).toBe(true);
});

test("only one expression is a whole", () => {
  expect([" {{ a }} ", "{{ a }}{{ b }}", "x {{ a }}", "{{ a"].map(wholeOf)).toEqual(["a", undefined, undefined, undefined]);
});
