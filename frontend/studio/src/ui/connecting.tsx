// A connection while it is drawn: from the plug of a step to the pointer.
import { ViewportPortal } from "@xyflow/react";
import { useEffect, useRef, useState, type RefObject } from "react";

export interface Plugged {
  path: string;
  // The step under the pointer.
  target: { key: string; x: number; y: number; w: number; h: number } | null;
  isRefused: boolean;
}

// Return the connection that is being drawn in `field`. `look` says how it stands, `done` is called when it is dropped.
export function useConnecting(field: RefObject<HTMLElement | null>, look: (from: string, event: PointerEvent) => Plugged | null, done: (from: string, to: string) => void): Plugged | null {
  const [plug, setPlug] = useState<Plugged | null>(null);
  const newest = useRef({ look, done });
  newest.current = { look, done };
  useEffect(() => {
    const element = field.current!;
    const begin = (event: PointerEvent) => {
      const from = event.target instanceof HTMLElement ? event.target.dataset.plug : undefined;
      if (from === undefined || event.button !== 0) return;
      event.preventDefault();
      event.stopPropagation();
      const stop = new AbortController();
      const end = () => {
        stop.abort();
        setPlug(null);
      };
      const { signal } = stop;
      addEventListener("pointermove", (moved) => setPlug(newest.current.look(from, moved)), { signal });
      addEventListener("pointercancel", end, { signal });
      addEventListener(
        "pointerup",
        (dropped) => {
          const target = newest.current.look(from, dropped)?.target;
          end();
          if (target) newest.current.done(from, target.key);
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
  }, [field]);
  return plug;
}

export function Connection({ plug }: { plug: Plugged }) {
  const { path, target, isRefused } = plug;
  return (
    <ViewportPortal>
      <svg className="studio-lines studio-arcs">
        <path className="studio-edge studio-edge-drawn" data-refused={isRefused || undefined} d={path} markerEnd="url(#studio-arrow)" />
      </svg>
      {target && <div className="studio-target" data-refused={isRefused || undefined} style={{ transform: `translate(${target.x}px, ${target.y}px)`, width: target.w, height: target.h }} />}
    </ViewportPortal>
  );
}
