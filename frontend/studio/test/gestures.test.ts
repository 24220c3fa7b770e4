import { expect, test } from "vitest";

import type { CanvasStep, Operation } from "../src/api";
import { applied, stepsOf } from "../src/document";
import { connect, connections, disconnect, gapAfter, gapTowards, inExpressions, insert, move, pasted, remove, renumbered, unwrap, wrap } from "../src/gestures";
import { commandOf, HELP } from "../src/keys";
import { modelOf, type Model } from "../src/model";

type Step = Record<string, unknown>;
const flat = (...steps: (string | Step)[]) => ({ steps: steps.map((one) => (typeof one === "string" ? { id: one, uses: "flow.set" } : { uses: one.steps ? undefined : "flow.set", ...one })) });
const stepsIn = (definition: unknown): CanvasStep[] => stepsOf(definition, () => undefined, () => []);
const of = (definition: unknown): Model => modelOf(stepsIn(definition));

// What each step waits for after all, by id: what a gesture is about.
function order(definition: unknown, operations: Operation[] | null): Record<string, string[]> {
  const model = of(applied(definition, operations ?? []));
  return Object.fromEntries(model.list.map((node) => [node.step.path, node.block.waits.get(node)!.map((one) => one.step.id)]));
}

const diamond = flat("a", { id: "b", needs: ["a"] }, { id: "c", needs: ["a"] }, { id: "d", needs: ["b", "c"] });

test("a step put on an edge is between its ends and nowhere else", () => {
  const model = of(diamond);
  const [b, d] = ["b", "d"].map((key) => model.nodes.get(key)!);
  const made = insert(model, { block: model.main, after: b!, before: d! }, [{ id: "new", uses: "flow.wait" }]);
  expect(order(diamond, made)).toEqual({ a: [], b: ["a"], c: ["a"], new: ["b"], d: ["new", "c"] });
});

test("in a plain list nothing is written but the step", () => {
  const plain = flat("a", "b");
  const model = of(plain);
  expect(insert(model, gapAfter(model.nodes.get("a")!), [{ id: "new", uses: "flow.wait" }])).toEqual([
    { op: "add", step: { id: "new", uses: "flow.wait" }, before: "b" },
  ]);
});

test("a step that is moved leaves no hole and waits for what is above it", () => {
  const model = of(diamond);
  const [a, b, d] = ["a", "b", "d"].map((key) => model.nodes.get(key)!);
  expect(order(diamond, move(model, ["b"], { block: model.main, after: null, before: a! }))).toEqual({ b: [], a: ["b"], c: ["a"], d: ["c"] });
  expect(move(model, ["b"], { block: model.main, after: a!, before: b! })).toEqual([]);
  expect(order(diamond, move(model, ["d"], gapTowards(d!, "up")!))).toEqual({ a: [], d: ["a"], b: ["d"], c: ["a"] });
});

test("a group cannot be moved into itself", () => {
  const nested = flat({ id: "g", steps: [{ id: "x", uses: "flow.set" }] }, "y");
  const model = of(nested);
  const g = model.nodes.get("g")!;
  expect(move(model, ["g"], { block: g.inner!, after: null, before: null })).toBeNull();
  expect(order(nested, move(model, ["y"], { block: g.inner!, after: null, before: g.inner!.nodes[0]! }))).toEqual({ g: [], "g.y": [], "g.x": ["y"] });
});

test("what is removed is bridged", () => {
  expect(order(diamond, remove(of(diamond), ["b", "c"]))).toEqual({ a: [], d: ["a"] });
});

test("a step waits for another one once they are connected, and no more once they are not", () => {
  const wide = flat("a", { id: "b", needs: [] }, { id: "c", needs: ["a"] });
  const model = of(wide);
  const [a, b, c] = ["a", "b", "c"].map((key) => model.nodes.get(key)!);
  const made = connect(b!, c!);
  expect(made).toEqual([{ op: "set", step: "c", field: "needs", value: ["a", "b"] }]);
  const joined = applied(wide, made as Operation[]);
  const after = of(joined);
  const [from, to] = ["b", "c"].map((key) => after.nodes.get(key)!);
  expect(applied(joined, disconnect(from!, to!))).toEqual(wide);
  expect(connections(a!)).toEqual({ made: [c], possible: [b] });
});

test("a connection that cannot be is refused in words", () => {
  const plain = flat("a", "b", { id: "g", steps: [{ id: "x", uses: "flow.set" }] }, { id: "free", needs: [] });
  const model = of(plain);
  const said = (from: string, to: string) => connect(model.nodes.get(from)!, model.nodes.get(to)!);
  expect(said("a", "a")).toBe("A step cannot wait for itself.");
  expect(said("b", "a")).toBe("a cannot wait for b, which itself waits for a: that would be a circle.");
  expect(said("free", "a")).toBe("a cannot wait for free, which is further down in the file. Move a below it first.");
  expect(said("a", "g")).toBe("g waits for a already.");
  expect(said("a", "x")).toContain("in different ones");
  expect(said("g", "x")).toContain("inside each other");
  expect(connections(model.nodes.get("b")!).possible.map((one) => one.key)).toEqual(["free"]);
});

test("a step that waited for all before it waits for the others once a connection is removed", () => {
  const plain = flat("a", "b", "c", "d");
  const model = of(plain);
  const [c, d] = ["c", "d"].map((key) => model.nodes.get(key)!);
  const operations = disconnect(c!, d!);
  expect(operations).toEqual([{ op: "set", step: "d", field: "needs", value: ["b"] }]);
  expect(order(plain, operations)).toEqual({ a: [], b: ["a"], c: ["b"], d: ["b"] });
});

test("a group takes over what its steps wait for, and gives it back", () => {
  const made = wrap(of(diamond), ["b", "c"], new Set(["a", "b", "c", "d"]));
  if (typeof made === "string") throw new Error(made);
  expect(order(diamond, made.operations)).toEqual({ a: [], group: ["a"], "group.b": [], "group.c": [], d: ["group"] });
  const grouped = applied(diamond, made.operations);
  const model = of(grouped);
  expect(order(grouped, unwrap(model, model.nodes.get("group")!))).toEqual(order(diamond, []));
  expect(wrap(of(diamond), ["a", "d"], new Set())).toContain("follow each other");
});

test("pasted steps get free ids, and references among them follow", () => {
  const steps = pasted(
    JSON.stringify({
      orchestra_steps: 1,
      steps: [
        { id: "mail", uses: "gmail.get_message", needs: ["elsewhere"] },
        { id: "each", foreach: "{{ steps.mail.output.parts }}", steps: [{ id: "say", uses: "flow.set", with: { values: { a: "{{ steps.mail.output.id + 'steps.mail' }} steps.mail", b: "{{ steps.other.output }}" } } }] },
      ],
    }),
  )!;
  expect(renumbered(steps, new Set(["mail", "say"]))).toEqual([
    { id: "mail_2", uses: "gmail.get_message" },
    { id: "each", foreach: "{{ steps.mail_2.output.parts }}", steps: [{ id: "say_2", uses: "flow.set", with: { values: { a: "{{ steps.mail_2.output.id + 'steps.mail' }} steps.mail", b: "{{ steps.other.output }}" } } }] },
  ]);
  expect(pasted("no JSON")).toBeNull();
  expect(pasted('{"title": "no step"}')).toBeNull();
  expect(inExpressions("{{ x.steps.mail }} {{ {'a': steps.mail} }}", new Map([["mail", "m"]]))).toBe("{{ x.steps.mail }} {{ {'a': steps.m} }}");
});

test("keys are commands, and the keys of the browser stay its own", () => {
  expect(["a", "A", "Delete", "F2", " "].map((key) => commandOf({ key, shiftKey: key === "A" }))).toEqual(["add", "add-before", "remove", "rename", "toggle"]);
  expect(commandOf({ key: "ArrowUp", altKey: true })).toBe("move-up");
  expect(commandOf({ key: "Z", ctrlKey: true, shiftKey: true })).toBe("redo");
  expect([commandOf({ key: "c", ctrlKey: true }), commandOf({ key: "t", ctrlKey: true }), commandOf({ key: "F5" }), commandOf({ key: "Tab" })]).toEqual([null, null, null, null]);
  expect(HELP.length).toBeGreaterThan(10);
});
