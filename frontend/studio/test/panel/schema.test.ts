// What the panel says about a field of a step.
import { expect, test } from "vitest";

import { roleOf, type Schema } from "../../src/panel/schema";
import { registry } from "./registry.mjs";

const TYPES = registry().types;

function meaning(uses: string, name: string): string {
  const root = TYPES.find((one) => one.name === uses)?.fields_schema as Schema;
  return roleOf(root.properties?.[name] ?? {})?.meaning ?? "";
}

test.each(["gmail.send", "imap.create_draft"])("HTML of one's own in %s is not said to instruct a model", (uses) => {
  expect(meaning(uses, "html")).toMatch(/^Is sent as it is/);
});

test("a statement is said to be of a query", () => {
  expect(meaning("sql.query", "statement")).toContain("a query");
});
