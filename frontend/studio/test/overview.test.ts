import { expect, test } from "vitest";

import { isSeen, roomiest } from "../src/ui/overviewPlace";

const view = { x: 0, y: 0, w: 1000, h: 500 };
const at = (x: number, y: number, w: number, h: number) => ({ x, y, w, h });

test("the overview stands where it covers nothing at the start", () => {
  expect(roomiest([at(400, 0, 200, 600)], view, 1)).toBe("bottom-left");
  expect(roomiest([at(400, 0, 200, 300), at(50, 300, 900, 900)], view, 1)).toBe("top-left"); // the first branch is below
  expect(roomiest([at(0, 0, 600, 900)], view, 1)).toBe("top-right");
  expect(roomiest([at(0, 0, 1000, 380), at(0, 380, 500, 500)], view, 1)).toBe("bottom-right");
});

test("where each corner covers something, it is the one that covers least", () => {
  expect(roomiest([at(0, 0, 1000, 350), at(0, 350, 1000, 60), at(0, 350, 500, 500)], view, 1)).toBe("bottom-right");
  expect(roomiest([], view, 1)).toBe("bottom-left");
});

test("its size is that of the screen, whatever the zoom", () => {
  const beside = [at(200, 0, 600, 500)];
  expect(roomiest([...beside, at(0, 400, 60, 60)], view, 1)).toBe("top-left");
  expect(roomiest([at(100, 400, 60, 60)], view, 4)).toBe("bottom-left");
});

test("all of the drawing is seen, or not", () => {
  expect(isSeen(at(10, 10, 900, 400), view)).toBe(true);
  expect(isSeen(at(10, 10, 900, 495), view)).toBe(false);
  expect(isSeen(at(-1, 10, 900, 400), view)).toBe(false);
});
