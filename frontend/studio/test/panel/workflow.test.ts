// What the form of the workflow sends: fields of the workflow, and inputs that come, go and change their type.
import { expect, test } from "vitest";

import { applied } from "../../src/document";
import { operationsFor, valueOf, WORKFLOW } from "../../src/panel/places";
import { addedInput, removedInput, retyped } from "../../src/panel/WorkflowForm";

const step = { id: "a", title: "A step" };
const after = (definition: object, operations: object[]) => applied(definition, operations as never);

test("a field of the workflow is set and removed without a step", () => {
  const place = { steps: [WORKFLOW], path: ["title"] };
  const definition = { title: "Old", steps: [step] };
  expect(valueOf(definition, place)).toBe("Old");
  expect(after(definition, operationsFor(definition, place, "New"))).toEqual({ title: "New", steps: [step] });
  expect(after(definition, operationsFor(definition, place, undefined))).toEqual({ steps: [step] });
});

test("an input is added to whatever inputs there are, gets a type, and leaves nothing behind", () => {
  const blank = { steps: [step] };
  const one = after(blank, [addedInput(blank, "limit")]);
  expect(one).toEqual({ steps: [step], inputs: { type: "object", properties: { limit: { type: "string" } } } });
  const titled = after(one, [{ op: "set", field: ["inputs", "properties", "limit", "title"], value: "At most" }]);
  const number = after(titled, retyped("limit", { type: "string", title: "At most", format: "textarea", default: "x" }, "whole number"));
  expect(number.inputs.properties.limit).toEqual({ type: "integer", title: "At most" });
  const two = after({ ...number, inputs: { ...number.inputs, required: ["limit"] } }, [addedInput(number, "list")]);
  const list = after(two, retyped("list", { type: "string" }, "list of texts"));
  const texts = { type: "array", items: { type: "string" }, default: [] };
  expect(list.inputs.properties.list).toEqual(texts);
  const left = after(list, removedInput(list, "limit"));
  expect(left.inputs).toEqual({ type: "object", properties: { list: texts }, required: [] });
  expect(after(left, removedInput(left, "list"))).toEqual(blank);
});
