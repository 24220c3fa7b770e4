import { expect, test } from "vitest";

import type { CanvasStep } from "../src/api";
import { absolute, layout, STEP_WIDTH, type Box, type Layout } from "../src/layout";
import { modelOf } from "../src/model";

export function step(id: string, more: Partial<CanvasStep> = {}): CanvasStep {
  const parent = more.parent ?? "";
  return {
    id, path: parent ? `${parent}.${id}` : id, parent, place: "steps", title: id, uses: "flow.set", service: "", kind: "process", effect: "pure",
    needs: null, condition: "", foreach: "", parallel: 1, note: "", reads: [], ...more,
  };
}

// Numbers that look random and are the same in each run (mulberry32).
function numbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const CONDITIONS = ["", "", "true", "x", "!x", "y == 'a'", "y == 'b'", "y == 'c'"];

interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

function nesting(random: () => number): CanvasStep[] {
  const found: CanvasStep[] = [];
  const fill = (parent: string, place: CanvasStep["place"], depth: number): void => {
    const ids: string[] = [];
    for (let count = 1 + Math.floor(random() * 5); count > 0 && found.length < 140; count -= 1) {
      const id = `s${found.length}`;
      const isGroup = depth < 4 && random() < 0.3;
      const needs = random() < 0.4 ? ids.filter(() => random() < 0.4) : null;
      const condition = CONDITIONS[Math.floor(random() * CONDITIONS.length)]!;
      const reads = random() < 0.1 && ids.length > 0 ? [{ step: ids.at(-1)!, field: "with.a" }] : [];
      const made = step(id, { parent, place, needs, reads, kind: isGroup ? "group" : "process", condition });
      found.push(made);
      ids.push(id);
      if (isGroup && random() < 0.9) fill(made.path, "steps", depth + 1);
      if (depth < 4 && random() < 0.15) fill(made.path, "on_error", depth + 1);
    }
  };
  fill("", "steps", 0);
  if (random() < 0.3) fill("on_failure", "on_failure", 1);
  return found;
}

const overlaps = (one: Place, other: Place): boolean => one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;

function faults(drawn: Layout): string[] {
  const found: string[] = [];
  const inside = new Map<string | null, Box[]>();
  for (const box of drawn.boxes) inside.set(box.parent, [...(inside.get(box.parent) ?? []), box]);
  for (const [parent, boxes] of inside) {
    const frame = parent === null ? null : drawn.byKey.get(parent)!;
    boxes.forEach((box, index) => {
      if (frame && (box.x < 0 || box.y < 40 || box.x + box.w > frame.w || box.y + box.h > frame.h)) found.push(`${box.key} leaves ${parent}`);
      for (const other of boxes.slice(index + 1)) if (overlaps(box, other)) found.push(`${box.key} overlaps ${other.key}`);
    });
  }
  for (const band of drawn.bands) {
    const frame = band.parent === null ? null : drawn.byKey.get(band.parent)!;
    if (frame && (band.x < 0 || band.y < 46 || band.x + band.w > frame.w || band.y + band.h > frame.h)) found.push(`${band.key} leaves ${band.parent}`);
    const near = [...(inside.get(band.parent) ?? []), ...drawn.bands.filter((one) => one.parent === band.parent && one !== band)];
    for (const other of near) {
      const isInside = other.x >= band.x && other.y >= band.y && other.x + other.w <= band.x + band.w && other.y + other.h <= band.y + band.h;
      if (!isInside && overlaps(band, other)) found.push(`${band.key} overlaps ${other.key}`);
    }
  }
  return found;
}

const draw = (steps: CanvasStep[], isFolded: (key: string) => boolean = () => false, hasAdders = true): Layout =>
  layout(modelOf(steps), {
    sizeOf: (node) => ({ w: STEP_WIDTH, h: node.step.condition ? 82 : 58 }),
    isFolded: (node) => isFolded(node.key),
    offsets: {},
    cards: { triggers: ["a", "b"], hasOutputs: true },
    hasAdders,
  });

test("28,000 steps in random nestings: none overlaps another one, none leaves its frame", () => {
  const random = numbers(7);
  const found: string[] = [];
  let [count, lanes] = [0, 0];
  while (count < 28_000) {
    const steps = nesting(random);
    count += steps.length;
    const folded = new Set(steps.filter(() => random() < 0.1).map((one) => one.id));
    const drawn = draw(steps, (key) => folded.has(key), random() < 0.5);
    found.push(...faults(drawn));
    lanes += drawn.bands.length;
  }
  expect(found.slice(0, 5)).toEqual([]);
  expect(lanes).toBeGreaterThan(500);
}, 60_000); // milliseconds, also on a busy machine

test("the check would see an overlap and a step outside its frame", () => {
  const drawn = draw([step("a"), step("g", { kind: "group" }), step("b", { parent: "g" })]);
  drawn.byKey.get("a")!.y = drawn.byKey.get("g")!.y;
  drawn.byKey.get("b")!.x = 500;
  drawn.bands.push({ ...drawn.byKey.get("b")!, key: "lanes", y: 0 }, { key: "wide", parent: null, x: -50, y: drawn.byKey.get("a")!.y + 9, w: 90, h: 90 });
  expect(faults(drawn)).toEqual(expect.arrayContaining(["a overlaps g", "b leaves g", "lanes leaves g", "wide overlaps a"]));
});

test("steps that wait for each other are below each other, the others side by side", () => {
  const drawn = draw([step("a"), step("b", { needs: ["a"] }), step("c", { needs: ["a"] }), step("d")]);
  const at = (key: string) => absolute(drawn, drawn.byKey.get(key)!);
  expect(at("b").y).toBe(at("c").y);
  expect(at("b").x).toBeLessThan(at("c").x);
  expect(at("a").x).toBe(at("d").x);
  expect(drawn.edges.filter((one) => one.gap).map((one) => one.key)).toEqual(["a>b", "a>c", "b>d", "c>d", "#start>a"]);
});

test("a step moved by hand keeps its distance when another one is put in above", () => {
  const offsets = { b: [40, 10] as [number, number] };
  const drawn = (ids: string[]) =>
    layout(modelOf(ids.map((id) => step(id))), { sizeOf: () => ({ w: STEP_WIDTH, h: 58 }), isFolded: () => false, offsets, cards: { triggers: [], hasOutputs: false }, hasAdders: false });
  const far = (ids: string[]) => {
    const { a, b } = Object.fromEntries(["a", "b"].map((key) => [key, drawn(ids).byKey.get(key)!]));
    return [b!.x - a!.x, b!.y - a!.y];
  };
  expect(far(["a", "b"])).toEqual([40, 58 + 46 + 10]);
  expect(far(["new", "a", "b"])).toEqual(far(["a", "b"]));
});

test("steps of which at most one runs are side by side, below what comes before them and above what comes after", () => {
  const drawn = draw([
    step("sort"),
    step("bug", { condition: "steps.sort.output == 'bug'" }),
    step("idea", { condition: "steps.sort.output == 'idea'" }),
    step("rest", { condition: "!(steps.sort.output == 'bug') && steps.sort.output != 'idea'" }),
    step("tell"),
  ]);
  const [bug, idea, rest, tell] = ["bug", "idea", "rest", "tell"].map((key) => drawn.byKey.get(key)!);
  expect([idea!.y, rest!.y]).toEqual([bug!.y, bug!.y]);
  expect([bug!.x < idea!.x, idea!.x < rest!.x, tell!.y > bug!.y]).toEqual([true, true, true]);
  expect(drawn.edges.map((one) => one.key).filter((key) => !key.includes("#"))).toEqual(["sort>bug", "sort>idea", "sort>rest", "bug>tell", "idea>tell", "rest>tell"]);
  expect(drawn.edges.filter((one) => one.gap?.after && one.gap.before).map((one) => one.key)).toEqual(["sort>bug", "rest>tell"]);
  expect(drawn.bands).toHaveLength(1);
});

test("a step that uses the one before it, or is not next to it, is below it", () => {
  const found = (more: Partial<CanvasStep>) => {
    const drawn = draw([step("a", { condition: "x" }), step("b", { condition: "!x", ...more })]);
    return drawn.byKey.get("b")!.y > drawn.byKey.get("a")!.y;
  };
  expect([found({}), found({ reads: [{ step: "a", field: "if" }] }), found({ condition: "y" })]).toEqual([false, true, true]);
});
