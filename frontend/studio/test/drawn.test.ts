import { expect, test } from "vitest";

import type { Operation } from "../src/api";
import { applied, stepsOf } from "../src/document";
import { modelOf } from "../src/model";
import type { Studio } from "../src/store";
import { draw, flowNodes, kept } from "../src/ui/drawn";

const workflow = { steps: Array.from({ length: 50 }, (_, index) => ({ id: `s${index}`, uses: "flow.set" })) };
const add = () => undefined;

function nodesOf(definition: unknown) {
  const steps = stepsOf(definition, () => undefined, () => []);
  const view = { definition, steps, model: modelOf(steps), problems: [] };
  const studio = { view, folded: new Set(), selected: new Set(), mounted: { services, never: [] }, dialog: null, current: "s0", canvas: { positions: {}, is_draft: true } };
  return flowNodes(studio as unknown as Studio, draw(studio as unknown as Studio, true), null, {}, add, true);
}
const services = {};

// How many nodes are drawn anew after operations.
function renewed(...operations: Operation[]): number {
  const before = nodesOf(workflow);
  return kept(before, nodesOf(applied(workflow, operations))).filter((one) => !before.includes(one)).length;
}

test("only what has changed is drawn anew", () => {
  expect(renewed()).toBe(0);
  expect(renewed({ op: "set", step: "s7", field: "with.values.a", value: "b" })).toBe(0); // not on the card
  expect(renewed({ op: "set", step: "s7", field: "title", value: "Seventh" })).toBe(1);
  expect(renewed({ op: "move", steps: ["s7"], after: "s8" })).toBe(2);
});
