import { expect, test } from "vitest";

import type { StepType } from "../src/api";
import { choicesFor } from "../src/ui/Picker";

const typeOf = (name: string, title: string, service: string | null, description = "") => ({ name, title, service, description, kind: "output" }) as StepType;
const types = [typeOf("gmail.archive", "Archive a mail", "gmail"), typeOf("imap.archive", "Archive a mail", "imap"), typeOf("data.first", "First item", null, "The first item of each list.")];
const services = { gmail: "Gmail", imap: "Mailbox" };
const found = (search: string, names: string[] = []) => choicesFor(types, services, search, names).map(({ key, service }) => [key, service]);

test("what the server finds is in its order, with the service; what is not known here is left out", () => {
  expect(found("archive", ["imap.archive", "no.such", "gmail.archive"])).toEqual([["imap.archive", "Mailbox"], ["gmail.archive", "Gmail"]]);
});

test.each(["each", "for each mail", "repeat steps", "loop over rows", "every item"])("%j finds the step that repeats others first", (search) => {
  expect(found(search)[0]).toEqual(["group", ""]);
});

test("other words do not", () => {
  expect(found("archive a mail", ["gmail.archive"]).map(([key]) => key)).not.toContain("group");
  expect(found("first", ["data.first"])).toEqual([["data.first", ""]]);
});
