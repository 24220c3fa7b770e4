// The colours of code: the module that has them is asked for again once it could not be loaded.
import { expect, test, vi } from "vitest";

import { colorFrom, loadColors } from "../../src/panel/colors";

test("colours that could not be loaded are loaded when they are next needed", async () => {
  vi.stubGlobal("location", { origin: "http://localhost" });
  colorFrom("data:text/javascript,throw new Error('away')");
  expect(await loadColors()).toBeNull();
  colorFrom("data:text/javascript,export const colored = () => [[0, 2, 'red']]");
  const colored = await loadColors();
  expect(colored?.("if", "python")).toEqual([[0, 2, "red"]]);
  expect(await loadColors()).toBe(colored);
});
