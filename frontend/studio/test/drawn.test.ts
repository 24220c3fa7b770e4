import { expect, test } from "vitest";

import type { Looks, Operation } from "../src/api";
import { applied, stepsOf } from "../src/document";
import { modelOf } from "../src/model";
import type { Studio } from "../src/store";
import { corners, draw, flowLines, flowNodes, kept } from "../src/ui/drawn";

const workflow = { steps: Array.from({ length: 50 }, (_, index) => ({ id: `s${index}`, uses: "flow.set" })) };
const add = () => undefined;

function studioOf(definition: unknown, looks: Looks = {}): Studio {
  const steps = stepsOf(definition, () => undefined, () => []);
  const view = { definition, steps, model: modelOf(steps), problems: [] };
  return { view, folded: new Set(), selected: new Set(), mounted: { services, never: [] }, dialog: null, copilot: { ghosts: null }, current: "s0", debugger: { breakpoints }, canvas: { positions: {}, looks, is_draft: true } } as unknown as Studio;
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

const look = { size: null, icon: "", color: "" };
const LONG = "Sort the mails of the last seven days by what they ask for, and answer them";

// The box of each step with its title, size and lines.
function boxOf(step: object, looks: Looks = {}) {
  const studio = studioOf({ steps: [{ id: "s", uses: "flow.set", ...step }] }, looks);
  const drawn = draw(studio, true);
  const { w, h } = drawn.layout.byKey.get("s")!;
  return { w, h, lines: flowNodes(studio, drawn, null, {}, add, true).find((one) => one.id === "s")!.data.lines };
}

test.each([
  ["a short title has one line", { title: "Sort" }, {}, { w: 228, h: 58, lines: 1 }],
  ["a long one two", { title: LONG }, {}, { w: 228, h: 77, lines: 2 }],
  ["and the condition stands above it", { title: LONG, if: "x" }, {}, { w: 228, h: 101, lines: 2 }],
  ["a wider card needs no second line", { title: LONG }, { size: [640, 58] }, { w: 640, h: 58, lines: 1 }],
  ["a higher one has more of them", { title: LONG }, { size: [200, 140] }, { w: 200, h: 140, lines: 5 }],
  ["what is on it has room", { title: "Sort", if: "x" }, { size: [200, 58] }, { w: 200, h: 82, lines: 1 }],
  ["a frame is as large as was asked", { steps: [{ id: "in", uses: "flow.set" }] }, { size: [500, 400] }, { w: 500, h: 400, lines: 1 }],
  ["or as its steps need", { steps: [{ id: "in", uses: "flow.set" }] }, { size: [140, 58] }, { w: 264, h: 216, lines: 1 }],
  ["with two lines in its head", { title: LONG, steps: [{ id: "in", uses: "flow.set" }] }, {}, { w: 264, h: 235, lines: 2 }],
] as const)("%s", (_name, step, own, expected) => {
  expect(boxOf(step, { s: { ...look, ...own } as Looks[string] })).toEqual(expected);
});

test("the steps of a frame with two lines in its head stand below it", () => {
  const inner = (title: string) => draw(studioOf({ steps: [{ id: "s", title, steps: [{ id: "in", uses: "flow.set" }] }] }), true).layout.byKey.get("in")!.y;
  expect(inner(LONG) - inner("Sort")).toBe(19);
});
