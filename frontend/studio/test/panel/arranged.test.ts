// Which fields of a step type come first in the panel.
import { expect, test } from "vitest";

import { arranged, sharedFields } from "../../src/panel/sharedFields";
import { registry } from "./registry.mjs";

const TYPES = registry().types;

function shown(uses: string): { order: string[]; first: string[] } {
  const { order, isFirst } = arranged(sharedFields(TYPES.filter(({ name }) => name === uses)), () => false);
  return { order, first: [...isFirst] };
}

test.each([
  ["llm.extract", ["prompt", "variables", "messages"]],
  ["llm.chat", ["prompt", "variables", "messages"]],
])("the prompt of %s is not folded below what it is filled with", (uses, first) => {
  expect(shown(uses).first).toEqual(first);
});

test.each(["gmail.create_draft", "gmail.send", "imap.create_draft", "smtp.send"])("to whom a mail of %s goes is not folded", (uses) => {
  expect(shown(uses).first.slice(0, 3)).toEqual(["to", "subject", "text"]);
});

test("what is searched for comes before what is left out of the mails that are found", () => {
  const { order } = shown("gmail.search_messages");
  expect(order).toEqual(["query", "since", "limit", "ids", "cut_quotes", "cut_signature", "max_tokens", "headers"]);
});
