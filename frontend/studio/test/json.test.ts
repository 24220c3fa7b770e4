import { expect, test } from "vitest";
import { copyOf, parseJson } from "../src/json";
import { isSame, read, shown } from "../src/panel/values";

// Node.js has it from version 21, browsers since 2023 to 2025.
test.skipIf(!("rawJSON" in JSON))("a long whole number is shown and written as it is, in a field and in an output", () => {
  const text = '{"id":9007199254740993,"ids":[-12345678901234567890],"n":1.5,"text":"1234567890123456789"}';
  const value = parseJson(text) as Record<string, never>;
  expect(JSON.stringify(value)).toBe(text);
  expect(JSON.stringify(copyOf(value))).toBe(text);
  expect(shown(value.id, "number")).toBe("9007199254740993");
  expect(JSON.stringify(read("9007199254740993", "number"))).toBe('{"value":9007199254740993}');
  expect(JSON.stringify(read(text, "json"))).toBe(`{"value":${text}}`);
  expect(isSame(value, parseJson(text))).toBe(true);
  expect(isSame(value.id, (parseJson('{"id":9007199254740992}') as typeof value).id)).toBe(false);
});
