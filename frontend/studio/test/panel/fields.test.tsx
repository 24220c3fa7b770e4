// Every field of every step type of the engine has a control, shows its value, and gives it back unchanged.
import type { ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";

import type { CanvasStep, Json, Problem, StepType } from "../../src/api";
import { indentation } from "../../src/panel/Code";
import { fromListRows, fromMapRows, listRows, mapRows } from "../../src/panel/Collections";
import { operationsFor } from "../../src/panel/places";
import { Edits } from "../../src/panel/edits";
import { FormContext, type Form } from "../../src/panel/form";
import { Fields, More } from "../../src/panel/Panel";
import { begun } from "../../src/panel/Records";
import { controlOf, optionsOf, resolved, type Control, type Schema } from "../../src/panel/schema";
import { namesIn, stepField } from "../../src/panel/stepFields";
import { isSame, read, shown } from "../../src/panel/values";
import { When } from "../../src/panel/When";
import { registry } from "./registry.mjs";

const { types: TYPES, step: STEP } = registry();
const step = { id: "it", path: "it", parent: "", place: "steps", title: "It", uses: "", service: "" } as CanvasStep;

function rendered(type: StepType, values: Record<string, Json>, problems: Problem[] = []): string {
  return inForm({ uses: type.name, with: values }, <Fields types={[type]} />, problems);
}

// Return the markup of fields of a step that has these values.
function inForm(values: Record<string, Json>, fields: ReactNode, problems: Problem[] = []): string {
  const definition = { steps: [{ id: "it", ...values }] };
  const edits = new Edits(String(values.uses));
  edits.follow(definition, async () => undefined);
  const form: Form = { workflow: "w", selected: [step], steps: [step], definition, edits, problems, readOnly: false, stepTypes: async () => TYPES, stepSchema: STEP, names: async () => [], send: async () => "" };
  return renderToStaticMarkup(<FormContext value={form}>{fields}</FormContext>);
}

const LETTERS = "one";

// Return values that a field takes: each shape that its schema has, and an expression.
function samples(schema: Schema, root: Schema): Json[] {
  return ["{{ steps.a.output.b }}", ...fixed(schema, root)];
}

function fixed(given: Schema, root: Schema): Json[] {
  const schema = resolved(given, root);
  if (schema.enum) return schema.enum;
  if (schema.anyOf) return schema.anyOf.flatMap((one) => fixed(one, root));
  switch (schema.type) {
    case "string":
      return [`${LETTERS} {{ inputs.two }}`, `${LETTERS}\n"three"`, "5", "true", "{}"];
    case "integer":
      return [schema.minimum ?? 0, 7];
    case "number":
      return [0.5, -2e-7];
    case "boolean":
      return [true, false];
    case "array": {
      const inner = schema.items ? fixed(schema.items, root) : [1];
      return [inner, [inner[0] ?? 1]];
    }
    case "object": {
      const parts = Object.entries(schema.properties ?? {}).map(([name, one]) => [name, fixed(one, root)[0] ?? 1] as const);
      const rest: Json = { a: 1, "b.c": "5", d: "{{ x }}", e: [null, { f: "" }], g: "", h: "null", i: null, j: '"' };
      return [schema.properties ? Object.fromEntries(parts) : rest];
    }
    default:
      return [1, null, "plain", "5", '{"a": "{{ b }}"}', [1, { a: "{{ b }}" }], { "{{ c }}": true }];
  }
}

// Return what a control makes of a value that it shows and nobody changes.
function back(value: Json, control: Control, schema: Schema, root: Schema): Json | undefined {
  if (typeof value === "string" && value.includes("{{") && control !== "json") return valueOf(read(shown(value, "text"), "text"));
  switch (control) {
    case "boolean":
    case "choice":
      return control === "choice" ? optionsOf(schema, root).find((one) => isSame(one, value)) : value;
    case "list":
      return fromListRows(listRows(value), Boolean(schema.anyOf), value);
    case "map":
      return valueOf(fromMapRows(mapRows(value)));
    case "object": {
      const inner = Object.entries(value as Record<string, Json>).map(([name, one]) => {
        const known = resolved(schema.properties?.[name] ?? {}, root);
        return [name, back(one, controlOf(known, root, one), known, root)];
      });
      return Object.fromEntries(inner);
    }
    default:
      return valueOf(read(shown(value, control), control));
  }
}

function valueOf(found: ReturnType<typeof read>): Json | undefined {
  if ("error" in found) throw new Error(found.error);
  return found.value;
}

function texts(value: Json): string[] {
  if (typeof value === "string") return value.split("\n").filter((one) => one.startsWith(LETTERS));
  if (value && typeof value === "object") return Object.values(value).flatMap(texts);
  return [];
}

const unescaped = (markup: string) => markup.replaceAll("&quot;", '"').replaceAll("&#x27;", "'").replaceAll("&amp;", "&");

test("the engine has step types", () => {
  expect(TYPES.length).toBeGreaterThan(90);
});

describe.each(TYPES)("$name", (type) => {
  const root = type.fields_schema as Schema;
  const fields = Object.entries(root.properties ?? {});

  test("every field has a control, empty or filled", () => {
    const filled = Object.fromEntries(fields.map(([name, schema]) => [name, fixed(schema, root)[0] ?? null]));
    for (const values of [{}, filled]) {
      const parts = unescaped(rendered(type, values)).split('data-name="').slice(1);
      const blocks = new Map(parts.map((part) => [part.slice(0, part.indexOf('"')), part]));
      for (const [name] of fields) expect(blocks.get(name), name).toMatch(/<(input|textarea|select|button)/);
      const all = parts.join("");
      for (const [name] of fields) {
        if (name in values) for (const text of texts((values as Record<string, Json>)[name] ?? null)) expect(all, name).toContain(text);
      }
    }
  });

  test.each(fields)("%s: a value comes back as it was, as one operation", (name, given) => {
    const schema = resolved(given, root);
    for (const value of samples(given, root)) {
      const found = back(value, controlOf(schema, root, value), schema, root);
      expect(found, JSON.stringify(value)).toEqual(value);
      const place = { steps: ["it"], path: ["with", name] };
      const definition = { steps: [{ id: "it", with: {} }] };
      expect(operationsFor(definition, place, found)).toEqual([{ op: "set", step: "it", field: `with.${name}`, value }]);
      const holding = { steps: [{ id: "it", with: { [name]: value } }] };
      expect(operationsFor(holding, place, found)).toEqual([]);
      expect(operationsFor(holding, place, undefined)).toEqual([{ op: "unset", step: "it", field: `with.${name}` }]);
    }
  });
});

test.each([
  ["gmail.search_messages", "limit", "'limit' must be at least 1, not 0.", "“At most” must be at least 1, not 0."],
  ["http.request", "method", "'method' must be 'GET' or 'method'.", "“Method” must be 'GET' or 'method'."],
  ["flow.wait", "seconds", "flow.wait needs `seconds` or `until`.", "flow.wait needs “Seconds to wait” or “Wait until this time, with offset (RFC 3339)”."],
  ["gmail.add_labels", "message", "Give either a mail (`message`) or a thread (`thread`).", "Give either a mail (“Mail”) or a thread (“Or all mails of this thread”)."],
])("a problem of %s calls the field %s by its label", (name, field, message, wanted) => {
  const problem = { step: "it", field: `with.${field}`, severity: "error", code: "field", remedy: `'${field}' means: It.`, message } as Problem;
  const markup = unescaped(rendered(TYPES.find((one) => one.name === name)!, { [field]: "x" }, [problem]));
  expect(markup).toContain(wanted);
  expect(markup).not.toContain("means: It");
});

describe("the order of the fields", () => {
  const shownOf = (name: string, values: Record<string, Json>): string[] => {
    const markup = rendered(TYPES.find((one) => one.name === name)!, values).split("<details")[0]!;
    return [...markup.matchAll(/data-name="(\w+)"/g)].map(([, found]) => found!);
  };

  test.each([
    ["gmail.get_message", {}, ["message", "cut_quotes", "cut_signature", "max_tokens"]],
    ["llm.classify", {}, ["text", "labels"]],
    ["llm.classify", { unsure: "other", model: "fast" }, ["text", "labels", "model", "unsure"]],
    ["discord.send_message", { reply_to: "1" }, ["text", "reply_to", "channel"]],
  ])("%s with %j begins with what is required, then what has a value", (name, values, wanted) =>
    expect(shownOf(name, values as Record<string, Json>).filter((one) => wanted.includes(one))).toEqual(wanted));

  test("nothing optional stands above what is required, in any step", () => {
    for (const type of TYPES) {
      const required = (type.fields_schema as Schema).required ?? [];
      expect(shownOf(type.name, {}).slice(0, required.length).toSorted(), type.name).toEqual(required.toSorted());
    }
  });
});

test.each([
  ["for one in rows:", "    "],
  ["if a {\n\tb(", "\t    "],
  ["def f():\n    return 1", "    "],
  ["a = 1", ""],
])("a new line of code after %j begins with its indentation", (before, blanks) => {
  expect(indentation(before)).toBe(blanks);
});

test("a list of records is filled in as forms, unless something in it would be hidden", () => {
  const item: Schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
  const schema: Schema = { type: "array", items: { $ref: "#/$defs/Item" }, widget: "records" };
  const root: Schema = { $defs: { Item: item } };
  expect(([undefined, [], [{ name: "a" }, {}]] as (Json | undefined)[]).map((value) => controlOf(schema, root, value))).toEqual(["records", "records", "records"]);
  expect(([[{ name: "a", other: 1 }], ["a"], [null]] as Json[]).map((value) => controlOf(schema, root, value))).toEqual(["json", "json", "json"]);
  expect(begun(item)).toEqual({ name: "" });
});

describe("the fields of every step", () => {
  const WITH_FOREACH = { foreach: "{{ inputs.names }}" };
  const CALL = { uses: "gmail.send" };
  const namesOf = (values: Record<string, Json>): string[] => {
    const markup = inForm(values, <><When /><More /></>);
    return [...markup.matchAll(/data-name="(\w+)" data-control="(\w+)"/g)].map(([, name, control]) => `${name}: ${control}`);
  };
  const ALWAYS = ["if: text", "foreach: text"];
  const REPEATED = ["as: text", "key: text", "item_title: text", "parallel: number", "on_item_error: choice"];
  const TRIED = ["attempts: number", "backoff_seconds: number", "on: list"];
  const LIMITS = ["timeout_seconds: number", "on_error: choice"];
  const APPROVAL = ["approve: choice", "once: text", "allow: map"];
  const REST = ["id: text", "uses: text", "note: long"];
  // A field that is declared later needs no line here.
  const KNOWN = new Set([...ALWAYS, ...REPEATED, ...TRIED, ...LIMITS, ...APPROVAL, ...REST, "output", "when", "by", "expires_after", "on_expiry"].map((one) => one.split(":")[0]!));

  test.each([
    ["a call", CALL, [...ALWAYS, ...TRIED, ...LIMITS, ...APPROVAL, ...REST]],
    ["a loop of a call", { ...CALL, ...WITH_FOREACH }, [...ALWAYS, ...REPEATED, ...TRIED, ...LIMITS, ...APPROVAL, ...REST]],
    ["a group", { steps: [] }, [...ALWAYS, ...LIMITS, "id: text", "output: map", "note: long"]],
    ["a rule of its own", { ...CALL, approve: { when: "always" } }, [...ALWAYS, ...TRIED, ...LIMITS, "approve: object", "when: choice", "by: list", "expires_after: text", "on_expiry: choice", "once: text", "allow: map", ...REST]],
    ["steps in its place", { ...CALL, on_error: { steps: [] } }, [...ALWAYS, ...TRIED, "timeout_seconds: number", ...APPROVAL, ...REST]],
    ["what goes only with something else", { steps: [], parallel: 2, once: "a" }, [...ALWAYS, "parallel: number", ...LIMITS, "once: text", "id: text", "output: map", "note: long"]],
  ])("of %s", (_, values, wanted) => {
    const known = namesOf(values as Record<string, Json>).filter((one) => KNOWN.has(one.split(":")[0]!));
    expect(known).toEqual(wanted);
  });

  test("have a control each, by their declaration alone", () => {
    const declared = Object.entries(STEP.properties!).flatMap(([name, { section }]) => (section === "elsewhere" ? [] : [name]));
    const shownFor = [CALL, { ...CALL, ...WITH_FOREACH }, { steps: [] }].flatMap(namesOf).map((one) => one.split(":")[0]);
    expect(declared.filter((name) => !shownFor.includes(name))).toEqual(["title", "needs", "connection", "retry"]); // drawn in their own way
  });

  test("show their limits, and take expressions only where the engine does", () => {
    const markup = inForm({ ...CALL, ...WITH_FOREACH }, <When />);
    expect(markup).toContain('placeholder="1 to 256"');
    expect(markup).toContain('placeholder="1 to 20"');
    expect(stepField(STEP, "key")!.isFixed).toBe(false);
    expect(inForm({ ...CALL, approve: { when: "always" } }, <When />)).not.toContain("The rule of one step"); // a docstring
    expect(stepField(STEP, "as")!.isFixed).toBe(true);
  });

  test("are left out until they are known", () => {
    expect(namesIn({}, "repetition")).toEqual([]);
    expect(stepField({}, "note")).toBeUndefined();
  });
});

describe("a field that takes anything", () => {
  const root: Schema = { properties: { value: { title: "Value" } } };
  const type = { name: "store.upsert", title: "", description: "", fields_schema: root } as unknown as StepType;
  const shownFor = (value?: Json) => unescaped(rendered(type, value === undefined ? {} : { value }));

  test("has rows of names and values, if its value fits them", () => {
    for (const value of [undefined, "", { subject: "{{ mail.subject }}" }]) expect(shownFor(value), JSON.stringify(value)).toMatch(/data-control="map".*>JSON</);
    expect(shownFor({ subject: "{{ mail.subject }}" })).toMatch(/value="subject".*\{\{ mail.subject \}\}/);
    for (const value of ["{{ mail }}", [1], 5, null]) expect(shownFor(value), JSON.stringify(value)).toContain('data-control="json"');
  });

  test("says so if a text was meant as JSON", () => {
    const said = "This is one text, not JSON";
    for (const value of ['{"subject": {{ mail.subject }}}', '[{{ mail.id }}, 2]']) expect(shownFor(value), value).toContain(said);
    for (const value of ["{{ mail }}", '{"subject": "{{ mail.subject }}"}', "Hi {{ mail.from }}", "{ a }"]) expect(shownFor(value), value).not.toContain(said);
  });
});
