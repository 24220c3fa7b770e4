// The small diagram of an answer: where boxes are, what a reader of the screen hears, and what a press leads to.
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";

import type { Copilot } from "../../src/copilot/copilot";
import { drawn, inOrder, type Box } from "../../src/copilot/diagram";
import { DiagramView } from "../../src/copilot/DiagramView";
import type { Diagram, DiagramNode } from "../../src/copilot/shapes";

const NODE: DiagramNode = { id: "", step: "", title: "", kind: "process", is_loop: false, is_conditional: false, is_about: false, inside: "", level: 0, hidden: 0 };
const node = (id: string, some: Partial<DiagramNode> = {}): DiagramNode => ({ ...NODE, id, step: id, title: id.toUpperCase(), ...some });
const WHOLE: Diagram = {
  nodes: [
    node("mails", { kind: "input" }),
    node("each", { kind: "group", is_loop: true, level: 1 }),
    node("kind", { inside: "each" }),
    node("issue", { inside: "each", level: 1, is_conditional: true }),
    node("task", { inside: "each", level: 1 }),
    node("each!", { step: "", title: "EACH", kind: "group", level: 2, hidden: 2 }),
  ],
  edges: [{ source: "mails", target: "each" }, { source: "kind", target: "issue" }, { source: "kind", target: "task" }],
  text: "",
  more: 1,
};

const isInside = (one: Box, outer: Box): boolean => one.x >= outer.x && one.y > outer.y && one.x + one.w <= outer.x + outer.w && one.y + one.h < outer.y + outer.h;
const overlap = (one: Box, other: Box): boolean => one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;

describe("the places of boxes", () => {
  test("a loop is around its steps, no other boxes overlap, and all are in the diagram", () => {
    const { boxes, height } = drawn(WHOLE);
    const each = boxes.find((one) => one.node.id === "each")!;
    for (const one of boxes) {
      expect([one.x >= 0, one.x + one.w <= 100.001, one.y + one.h <= height], one.node.id).toEqual([true, true, true]);
      for (const other of boxes) {
        if (other === one || one === each || other === each) continue;
        expect(overlap(one, other), `${one.node.id} ${other.node.id}`).toBe(false);
      }
      if (one.node.inside === "each") expect(isInside(one, each)).toBe(true);
    }
  });

  test("a line leads down from box to box, and is broken where a condition decides", () => {
    const { lines } = drawn(WHOLE);
    expect(lines.map((one) => [one.key, one.isConditional])).toEqual([["mails>each", false], ["kind>issue", true], ["kind>task", false]]);
    for (const { from, to } of lines) expect(to.y).toBeGreaterThan(from.y);
  });

  test("steps beside each other go on in further rows where there is no room", () => {
    const { boxes } = drawn({ ...WHOLE, edges: [], nodes: ["a", "b", "c", "d", "e"].map((id) => node(id)) });
    expect(Math.min(...boxes.map((one) => one.w))).toBeGreaterThan(25);
    expect(new Set(boxes.map((one) => one.y)).size).toBe(2);
  });
});

test("the steps are read in order, those of a loop behind it", () => {
  expect(inOrder(WHOLE.nodes)).toBe("MAILS, EACH (KIND, ISSUE, TASK), If EACH fails");
});

test("beside the canvas each step is a button, beside the text there is none", () => {
  const shown = (isDrawing: boolean) => renderToStaticMarkup(<DiagramView copilot={{ host: { isDrawing } } as Copilot} diagram={WHOLE} />);
  const canvas = shown(true);
  expect(canvas.match(/<button/g)).toHaveLength(5);
  expect(canvas).toContain('role="img" aria-label="Steps in order: MAILS, EACH (KIND, ISSUE, TASK), If EACH fails"');
  expect(canvas).toContain("For each");
  expect(canvas).toContain("1 step is left out.");
  expect(shown(false)).not.toContain("<button");
});
