// Where the overview stands.
import type { Size } from "../layout";

export type Corner = "bottom-left" | "top-left" | "top-right" | "bottom-right";

export interface Rectangle extends Size {
  x: number;
  y: number;
}

// On the screen, as the styles have it, with the space around it.
const [WIDTH, HEIGHT] = [180, 140];
// The panel takes from the right, so it is on the left where that makes no difference.
const CORNERS: Corner[] = ["bottom-left", "top-left", "top-right", "bottom-right"];

// Return the corner in which it covers least of what is drawn; `view` is the part that is seen.
export function roomiest(drawn: readonly Rectangle[], view: Rectangle, zoom: number): Corner {
  const [w, h] = [WIDTH / zoom, HEIGHT / zoom];
  const covered = (corner: Corner): number => {
    const place = { x: corner.endsWith("left") ? view.x : view.x + view.w - w, y: corner.startsWith("top") ? view.y : view.y + view.h - h, w, h };
    return drawn.reduce((sum, one) => sum + shared(one, place), 0);
  };
  const found = CORNERS.map(covered);
  return CORNERS[found.indexOf(Math.min(...found))]!;
}

function shared(one: Rectangle, other: Rectangle): number {
  const w = Math.min(one.x + one.w, other.x + other.w) - Math.max(one.x, other.x);
  const h = Math.min(one.y + one.h, other.y + other.h) - Math.max(one.y, other.y);
  return Math.max(0, w) * Math.max(0, h);
}

export const isSeen = (one: Rectangle, view: Rectangle): boolean => one.x >= view.x && one.y >= view.y && one.x + one.w <= view.x + view.w && one.y + one.h <= view.y + view.h;
