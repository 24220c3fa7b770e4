// The size of a step while it is dragged by its corner.
import { useEffect, useRef, useState, type RefObject } from "react";

import type { Size } from "../own";

export interface Sized {
  key: string;
  size: Size;
  // How far the left edge is from where it was: a step grows to both sides, as it stands in the middle of its row.
  left: number;
}

interface Begun {
  w: number;
  h: number;
  zoom: number;
}

// Return the step that is being resized in `field`. `begin` says how large it is, `fitting` which size it may have, `done`
// is called when it is dropped.
export function useResizing(field: RefObject<HTMLElement | null>, begin: (key: string) => Begun | null, fitting: (size: Size) => Size, done: (key: string, size: Size) => void): Sized | null {
  const [sized, setSized] = useState<Sized | null>(null);
  const newest = useRef({ begin, fitting, done });
  newest.current = { begin, fitting, done };
  useEffect(() => {
    const element = field.current!;
    const start = (event: PointerEvent) => {
      const key = event.target instanceof HTMLElement ? event.target.dataset.resize : undefined;
      const begun = key === undefined || event.button !== 0 ? null : newest.current.begin(key);
      if (key === undefined || !begun) return;
      event.preventDefault(); // no mouse events follow (Pointer Events), with which React Flow would drag the step
      event.stopPropagation();
      const { w, h, zoom } = begun;
      const stop = new AbortController();
      const { signal } = stop;
      let now: Sized | null = null;
      const end = () => {
        stop.abort();
        setSized(null);
      };
      const follow = (moved: PointerEvent) => {
        const size = newest.current.fitting([w + (2 * (moved.clientX - event.clientX)) / zoom, h + (moved.clientY - event.clientY) / zoom]);
        now = { key, size, left: (w - size[0]) / 2 };
        setSized(now);
      };
      const drop = () => {
        end();
        if (now) newest.current.done(key, now.size);
      };
      const cancel = (pressed: KeyboardEvent) => {
        if (pressed.key !== "Escape") return;
        pressed.stopPropagation();
        end();
      };
      addEventListener("pointermove", follow, { signal });
      addEventListener("pointerup", drop, { signal });
      addEventListener("pointercancel", end, { signal });
      addEventListener("keydown", cancel, { signal, capture: true });
    };
    element.addEventListener("pointerdown", start, { capture: true });
    return () => element.removeEventListener("pointerdown", start, { capture: true });
  }, [field]);
  return sized;
}
