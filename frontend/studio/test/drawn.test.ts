import { expect, test } from "vitest";

import type { Operation } from "../src/api";
import { applied, stepsOf } from "../src/document";
import { modelOf } from "../src/model";
import type { Studio } from "../src/store";
import { corners, draw, flowLines, flowNodes, kept } from "../src/ui/drawn";

const workflow = { steps: Array.from({ length: 50 }, (_, index) => ({ id: `s${index}`, uses: "flow.set" })) };
const add = () => undefined;

function studioOf(definition: unknown): Studio {
  const steps = stepsOf(definition, () => undefined, () => []);
  const view = { definition, steps, model: modelOf(steps), problems: [] };
  return { view, folded: new Set(), selected: new Set(), mounted: { services, never: [] }, dialog: null, copilot: { ghosts: null }, current: "s0", debugger: { breakpoints }, canvas: { positions: {}, is_draft: true } } as unknown as Studio;
}

function nodesOf(definition: unknown) {
  const studio = studioOf(definition);
  return flowNodes(studio, draw(studio, true), null, {}, add, true);
}
const services = {};
const breakpoints = new Set<string>();

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

test("where a step is removed, the cards below only move, and so do the lines", () => {
  const without = applied(workflow, [{ op: "remove", steps: ["s7"] }]);
  const looks = new Map(nodesOf(workflow).map((one) => [one.id, one.data.look]));
  expect(nodesOf(without).filter((one) => one.data.look !== looks.get(one.id))).toEqual([]);
  const [before, after] = [workflow, without].map((one) => draw(studioOf(one), true).layout);
  const lines = flowLines(before!, corners(before!));
  const now = flowLines(after!, corners(after!), lines);
  const paths = new Map(lines.map((one) => [one.key, one.path]));
  expect(now.filter((one) => one.path !== paths.get(one.key)).map((one) => one.key)).toEqual(["s6>s8"]);
  expect(now.filter((one) => lines.includes(one)).length).toBe(7); // those above
});
