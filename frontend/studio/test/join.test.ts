import { expect, test } from "vitest";

import type { Problem, StepType } from "../src/api";
import { stepsOf } from "../src/document";
import { describedOutputs, ordered, outputsOf, partsRead, pathOf, prefixOf, targetsOf, worse, written, type Target } from "../src/join";
import { modelOf, type Node } from "../src/model";

const definition = {
  steps: [
    { id: "first", uses: "a.b" },
    { id: "free", needs: [], uses: "a.b", with: { title: "Hello", body: "{{ x }}", values: { text: "t" }, to: ["a"] } },
    { id: "each", foreach: "{{ steps.first.output.list }}", as: "mail", steps: [{ id: "inner", uses: "a.b" }, { id: "aside", needs: [], uses: "a.b" }] },
    { id: "last", needs: ["free"], uses: "a.b" },
  ],
};
const { nodes } = modelOf(stepsOf(definition, () => undefined, () => []));
const node = (id: string): Node => nodes.get(id)!;
const name = (text: string, may_be_missing = false) => ({ name: text, type: "string", may_be_missing, from_outside: false, title: "", sample: null });

const type = {
  name: "a.b",
  fields_schema: {
    required: ["title"],
    properties: {
      values: { type: "object", title: "Values", additionalProperties: true },
      body: { type: "string", format: "multiline", title: "Text", role: "content" },
      title: { type: "string", title: "Title" },
      to: { type: "array", items: { type: "string" }, title: "To", role: "destination" },
      fixed: { type: "string", isFixed: true },
      split: { title: "Split", type: "object", properties: { by: { type: "string", title: "By" } } },
    },
  },
  output_schema: { type: "object", properties: { list: { type: "array", title: "Items" } } },
} as unknown as StepType;

test("a line leads into each field that takes expressions: also a value of a map, or a new one", () => {
  const found = targetsOf(definition, "free", type);
  expect(found.map(({ path, label, role }) => [path.join("."), label, role])).toEqual([
    ["with.title", "Title", ""],
    ["with.values.text", "Values: text", ""],
    ["with.body", "Text", "What"],
    ["with.to", "To", "Where"],
    ["with.values.", "Values: a new value", ""],
    ["with.split.by", "Split: By", ""],
    ["foreach", "Runs once for each of", ""],
  ]);
  expect(targetsOf(definition, "each", undefined).map(({ path, now }) => [path, now])).toEqual([[["foreach"], "{{ steps.first.output.list }}"]]);
});

const field = (now: Target["now"], isText = true, path: Target["path"] = ["with", "title"]): Target => ({ path, label: "", role: "", now, isText });

test.each([
  ["nothing", field(undefined), "{{ a.b }}"],
  ["a text, which stays", field("Hello"), "Hello {{ a.b }}"],
  ["a text that ends with a space", field("Hello: "), "Hello: {{ a.b }}"],
  ["an expression, which goes", field("{{ x.y }}"), "{{ a.b }}"],
  ["a text with an expression, which stays", field("{{ x }} and {{ y }}"), "{{ x }} and {{ y }} {{ a.b }}"],
  ["a list", field(["a"], false), "{{ a.b }}"],
  ["the list of a loop", field("abc", false, ["foreach"]), "{{ a.b }}"],
])("what is written where there is %s", (_there, target, text) => {
  expect(written(target, name("a.b"))).toBe(text);
});

test("what may be missing gets a default", () => {
  expect(written(field(undefined), name("a.b", true))).toBe("{{ default(a.b, '') }}");
});

test("a new value of a map is called as the output, with a number if that is taken", () => {
  const target = field(undefined, false, ["with", "values", ""]);
  expect(pathOf(target, name("steps.first.output.list"), definition, "free")).toEqual(["with", "values", "list"]);
  expect(pathOf(target, name("steps.first.output.text"), definition, "free")).toEqual(["with", "values", "text_2"]);
  expect(pathOf(target, name("steps.first.output"), definition, "free")).toEqual(["with", "values", "first"]);
});

test("a step waits for the one whose output it uses, also from inside a group", () => {
  expect(ordered(node("first"), node("each"))).toEqual([]); // it does already
  expect(ordered(node("first"), node("inner"))).toEqual([]);
  expect(ordered(node("each"), node("inner"))).toEqual([]); // the item of the loop
  expect(ordered(node("first"), node("free"))).toEqual([{ op: "set", step: "free", field: "needs", value: ["first"] }]);
  expect(ordered(node("inner"), node("aside"))).toEqual([{ op: "set", step: "aside", field: "needs", value: ["inner"] }]);
  expect(ordered(node("first"), node("last"))).toEqual([{ op: "set", step: "last", field: "needs", value: ["free", "first"] }]);
  expect(ordered(node("last"), node("free"))).toMatch(/that would be a circle/);
  expect(ordered(node("first"), node("first"))).toMatch(/itself/);
});

test("the parts of an output, and of the item of a loop", () => {
  expect(prefixOf(node("first"), node("last"), definition)).toBe("steps.first.output");
  expect(prefixOf(node("each"), node("inner"), definition)).toBe("mail");
  expect(prefixOf(node("each"), node("last"), definition)).toBe("steps.each.output");
  const names = ["steps.first.output", "steps.first.output.a", "steps.first.outputs", "steps.first.output[0].b", "mail"].map((one) => name(one));
  expect(outputsOf(names, "steps.first.output").map((one) => one.name)).toEqual(["steps.first.output", "steps.first.output.a", "steps.first.output[0].b"]);
  expect(describedOutputs("steps.first.output", type).map((one) => [one.name, one.type])).toEqual([
    ["steps.first.output", "object"],
    ["steps.first.output.list", "array"],
  ]);
});

test("only new errors speak against a line", () => {
  const problem = (message: string, severity: Problem["severity"] = "error") => ({ code: "c", step: "s", field: "f", message, severity }) as Problem;
  expect(worse([problem("old")], [problem("old"), problem("new"), problem("hint", "warning")])).toEqual([problem("new")]);
});

test("the parts of an output that a field names", () => {
  expect(partsRead("{{ steps.a.output.x.y }} and {{ default(steps.a.output.z, '') }} {{ steps.ab.output.q }}", "a")).toEqual(["x.y", "z"]);
  expect(partsRead({ k: "{{ steps.a.output }}" }, "a")).toEqual([""]);
});
