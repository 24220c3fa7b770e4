// The lines between steps, each drawn anew only if it has another course, and the buttons that add a step on them.
import { ViewportPortal } from "@xyflow/react";
import { memo } from "react";

import type { Line, Plus } from "./drawn";

const Path = memo(function Path({ kind, path, hasArrow }: { kind: string; path: string; hasArrow: boolean }) {
  return <path className={`studio-edge studio-edge-${kind}`} d={path} markerEnd={hasArrow ? "url(#studio-arrow)" : undefined} />;
});

const Button = memo(function Button({ place, label, x, y, add }: { place: string; label: string; x: number; y: number; add(place: string): void }) {
  return (
    <button
      type="button"
      className="studio-add-between nodrag nopan"
      style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
      tabIndex={-1}
      aria-label={label}
      title={label}
      onClick={() => add(place)}
    />
  );
});

// The lines of the order, below the cards. `add` gets the key of a line.
export const FlowLines = memo(function FlowLines({ lines, buttons, add }: { lines: Line[]; buttons: Plus[]; add(line: string): void }) {
  return (
    <ViewportPortal>
      <svg className="studio-lines">
        <defs>
          <marker id="studio-arrow" markerWidth="14" markerHeight="14" viewBox="-10 -10 20 20" orient="auto-start-reverse" refX="0" refY="0">
            <polyline className="studio-arrow" points="-5,-4 0,0 -5,4 -5,-4" />
          </marker>
        </defs>
        {lines.map(({ key, kind, path, hasArrow }) => (
          <Path key={key} kind={kind} path={path} hasArrow={hasArrow} />
        ))}
      </svg>
      {buttons.map(({ key, label, x, y }) => (
        <Button key={key} place={key} label={label} x={x} y={y} add={add} />
      ))}
    </ViewportPortal>
  );
});

// References of one step to another, above the cards, with the fields that have them.
export function Arcs({ lines }: { lines: Line[] }) {
  return (
    <ViewportPortal>
      <svg className="studio-lines studio-arcs">
        {lines.map(({ key, kind, path, hasArrow }) => (
          <Path key={key} kind={kind} path={path} hasArrow={hasArrow} />
        ))}
      </svg>
      {lines.map(({ key, label, x, y }) =>
        label ? (
          <span key={key} className="studio-edge-label" style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}>
            {label}
          </span>
        ) : null,
      )}
    </ViewportPortal>
  );
}
