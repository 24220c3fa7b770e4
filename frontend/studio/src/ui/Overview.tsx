// The overview of the drawing, in a corner while not all of it is seen. It follows after the paint, so that a change is not shown later for its sake.
import { Panel, useReactFlow, useStore, type ReactFlowState } from "@xyflow/react";
import { memo, useEffect, useMemo, useRef, useState, type PointerEvent } from "react";

import { t } from "../language";
import type { Box, Layout } from "../layout";
import { afterPaint } from "../paint";
import { isSeen, type Corner, type Rectangle } from "./overviewPlace";
import type { Corners } from "./drawn";

const [WIDTH, HEIGHT, MARGIN] = [200, 150, 5];
const FRAME_STROKE = 6;
// As in d3-zoom, by which React Flow zooms: a wheel is as fast here as on the drawing.
const WHEEL = 0.002;

interface Drawing {
  layout: Layout;
  at: Corners;
}

export const Overview = memo(function Overview({ corner, ...drawing }: Drawing & { corner: Corner }) {
  const now = useMemo(() => drawing, [drawing.layout, drawing.at]);
  const { layout, at } = useLater(now);
  const shapes = useMemo(() => shapesOf(layout.boxes, at), [layout, at]);
  const view = useStore(viewOf, isSame);
  const flow = useReactFlow();
  const svg = useRef<SVGSVGElement>(null);
  const from = useRef<{ x: number; y: number } | null>(null);

  useEffect(() => {
    const element = svg.current!;
    const zoom = (event: WheelEvent) => {
      event.preventDefault();
      event.stopPropagation();
      const lines = event.deltaMode === 1 ? 0.05 : event.deltaMode ? 1 : WHEEL;
      void flow.zoomTo(flow.getZoom() * 2 ** (-event.deltaY * lines));
    };
    // Not onWheel: React listens passively, so the page would scroll, too.
    element.addEventListener("wheel", zoom, { passive: false });
    return () => element.removeEventListener("wheel", zoom);
  }, [flow]);

  const [left, top] = [Math.min(shapes.left, view.x), Math.min(shapes.top, view.y)];
  const [right, bottom] = [Math.max(shapes.right, view.x + view.w), Math.max(shapes.bottom, view.y + view.h)];
  const scale = Math.max((right - left) / WIDTH, (bottom - top) / HEIGHT);
  const [w, h] = [(WIDTH + 2 * MARGIN) * scale, (HEIGHT + 2 * MARGIN) * scale];
  const [x, y] = [(left + right - w) / 2, (top + bottom - h) / 2];
  const pan = (event: PointerEvent) => {
    if (!from.current) return;
    const { x: flowX, y: flowY, zoom } = flow.getViewport();
    const by = { x: event.clientX - from.current.x, y: event.clientY - from.current.y };
    from.current = { x: event.clientX, y: event.clientY };
    void flow.setViewport({ x: flowX - by.x * scale * zoom, y: flowY - by.y * scale * zoom, zoom });
  };
  const isWhole = isSeen({ x: shapes.left, y: shapes.top, w: shapes.right - shapes.left, h: shapes.bottom - shapes.top }, view);
  return (
    <Panel position={corner} className="react-flow__minimap studio-minimap" data-idle={isWhole || undefined}>
      <svg
        ref={svg}
        width={WIDTH}
        height={HEIGHT}
        viewBox={`${x} ${y} ${w} ${h}`}
        role="img"
        aria-label={t("Overview of the drawing")}
        shapeRendering="crispEdges"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          from.current = { x: event.clientX, y: event.clientY };
        }}
        onPointerMove={pan}
        onPointerUp={() => (from.current = null)}
        onPointerCancel={() => (from.current = null)}
      >
        {shapes.paths.map(([kind, path]) => (
          <path key={kind} className={`studio-mini studio-mini-${kind}`} strokeWidth={FRAME_STROKE} d={path} />
        ))}
        <path className="react-flow__minimap-mask" fillRule="evenodd" pointerEvents="none" d={`M${x} ${y}h${w}v${h}h${-w}zM${view.x} ${view.y}h${view.w}v${view.h}h${-view.w}z`} />
      </svg>
    </Panel>
  );
});

// Return a value as it was at the last paint.
function useLater<T>(value: T): T {
  const [last, setLast] = useState(value);
  useEffect(() => afterPaint(() => setLast(() => value)), [value]);
  return last;
}

// One shape for all boxes of a kind: there may be hundreds. Outer kinds come first, since outer boxes do.
function shapesOf(boxes: readonly Box[], at: Corners) {
  const paths = new Map<string, string>();
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { key, kind, w, h } of boxes) {
    const { x, y } = at.get(key)!;
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + w), Math.max(bottom, y + h)];
    paths.set(kind, `${paths.get(kind) ?? ""}M${x} ${y}h${w}v${h}h${-w}z`);
  }
  return { paths: [...paths].sort(([one], [other]) => Number(FRAMES.has(other)) - Number(FRAMES.has(one))), left, top, right, bottom };
}

const FRAMES = new Set(["frame", "fallback", "failure"]);

const viewOf = ({ transform: [x, y, zoom], width, height }: ReactFlowState): Rectangle => ({ x: -x / zoom, y: -y / zoom, w: width / zoom, h: height / zoom });
const isSame = (one: Rectangle, other: Rectangle): boolean => one.x === other.x && one.y === other.y && one.w === other.w && one.h === other.h;
