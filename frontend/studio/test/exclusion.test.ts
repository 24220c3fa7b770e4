import { expect, test } from "vitest";

import { exclude } from "../src/exclusion";

const label = "steps.sort.output.label";

test.each([
  ["inputs.on", "!inputs.on"],
  ["!(inputs.on)", "inputs.on"],
  ["size(inputs.list) > 2", "!(size(inputs.list) > 2)"],
  [`${label} == 'bug'`, `${label} == "idea"`],
  [`${label} == 'bug'`, `${label} != 'bug'`],
  [`${label} == 1`, `${label} == 2.5`],
  [`inputs.on && ${label} == 'a'`, `(${label} == 'b') && inputs.off`],
  ["has(inputs.list[0].name)", "!has(inputs.list[0].name)"],
  ["!steps.a.output.ok", "inputs.on && steps.a.output.ok"],
])("%s and %s exclude each other", (one, other) => {
  expect([exclude(one, other), exclude(other, one)]).toEqual([true, true]);
});

test.each([
  ["inputs.on", "inputs.off"],
  ["inputs.on", ""],
  [`${label} == 'bug'`, `${label} == "bug"`],
  [`${label} == 1`, `${label} == 1.0`],
  [`${label} != 'bug'`, `${label} != 'idea'`],
  [`${label} == 'a' || inputs.on`, `${label} == 'b'`],
  ["inputs.on || x", "!inputs.on || x"],
  ["!inputs.a && inputs.b", "inputs.a && inputs.b || inputs.c"],
  ["!a || b", "a || b"],
  ["a ? b : c == 1", "a ? b : c == 2"],
  ["x == '&& y'", "x == '&& y'"],
  ["f(a && b) == 1", "f(a && c) == 2"],
])("%s and %s may both be true", (one, other) => {
  expect([exclude(one, other), exclude(other, one)]).toEqual([false, false]);
});
