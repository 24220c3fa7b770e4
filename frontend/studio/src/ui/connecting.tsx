// A connection while it is drawn: from the plug of a step to the pointer.
import { ViewportPortal } from "@xyflow/react";
import { useEffect, useRef, useState, type RefObject } from "react";

import type { Target } from "../join";

export interface Plugged {
  path: string;
  // The step under the pointer.
  target: { key: string; x: number; y: number; w: number; h: number } | null;
  isRefused: boolean;
  // Where data may go, beside the step under the pointer, and the field that the pointer is on.
  fields?: Target[];
  at?: number | null;
}

// Return the connection that is being drawn in `field`, from what has the attribute `data-<plug>`. `look` says how it
// stands, given how it stood before; `done` is called when it is dropped.
export function useConnecting(
  field: RefObject<HTMLElement | null>,
  name: "plug" | "data",
  look: (from: string, event: PointerEvent, before: Plugged | null) => Plugged | null,
  done: (from: string, to: string, at: number | null) => void,
): Plugged | null {
  const [plug, setPlug] = useState<Plugged | null>(null);
  const newest = useRef({ look, done });
  newest.current = { look, done };
  useEffect(() => {
    const element = field.current!;
    const begin = (event: PointerEvent) => {
      const from = event.target instanceof HTMLElement ? event.target.dataset[name] : undefined;
      if (from === undefined || event.button !== 0) return;
      event.preventDefault(); // no mouse events follow (Pointer Events), with which React Flow would drag the step
      event.stopPropagation();
      const stop = new AbortController();
      let now: Plugged | null = null;
      const end = () => {
        stop.abort();
        setPlug(null);
      };
      const { signal } = stop;
      addEventListener("pointermove", (moved) => setPlug((now = newest.current.look(from, moved, now))), { signal });
      addEventListener("pointercancel", end, { signal });
      addEventListener(
        "pointerup",
        (dropped) => {
          const found = newest.current.look(from, dropped, now);
          end();
          if (found?.target) newest.current.done(from, found.target.key, found.at ?? null);
        },
        { signal },
      );
      addEventListener(
        "keydown",
        (pressed) => {
          if (pressed.key !== "Escape") return;
          pressed.stopPropagation();
          end();
        },
        { signal, capture: true },
      );
    };
    element.addEventListener("pointerdown", begin, { capture: true });
    return () => element.removeEventListener("pointerdown", begin, { capture: true });
  }, [field, name]);
  return plug;
}

// The fields beside a step stand in rows as high as this.
export const FIELD_ROW = 26;
export const FIELDS_WIDTH = 230;
export const FIELDS_GAP = 8;

export function Connection({ plug, kind = "drawn" }: { plug: Plugged; kind?: "drawn" | "data" }) {
  const { path, target, isRefused, fields = [], at } = plug;
  return (
    <ViewportPortal>
      <svg className="studio-lines studio-arcs">
        <path className={`studio-edge studio-edge-${kind}`} data-refused={isRefused || undefined} d={path} markerEnd="url(#studio-arrow)" />
      </svg>
      {target && <div className="studio-target" data-refused={isRefused || undefined} style={{ transform: `translate(${target.x}px, ${target.y}px)`, width: target.w, height: target.h }} />}
      {target && fields.length > 0 && (
        <ul className="studio-fields" style={{ transform: `translate(${target.x + target.w + FIELDS_GAP}px, ${target.y}px)`, width: FIELDS_WIDTH }}>
          {fields.map((one, index) => (
            <li key={one.path.join(".")} data-at={index === at || undefined} style={{ height: FIELD_ROW }}>
              {one.label}
              {one.role && <small> · {one.role}</small>}
            </li>
          ))}
        </ul>
      )}
    </ViewportPortal>
  );
}
