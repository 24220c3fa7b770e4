// The lines between steps, each drawn anew only if it has another course, and the buttons that add a step on them.
import { ViewportPortal } from "@xyflow/react";
import { memo } from "react";

import type { LineMark } from "../flow/marks";
import { t } from "../language";
import type { Ground, Line, Plus } from "./drawn";

interface PathProps {
  kind: string;
  path: string;
  hasArrow: boolean;
  isChosen?: boolean;
  isRunning?: boolean;
  isHollow?: boolean;
}

const Path = memo(function Path({ kind, path, hasArrow, isChosen = false, isRunning = false, isHollow = false }: PathProps) {
  const looks = { "data-chosen": isChosen || undefined, "data-running": isRunning || undefined, "data-hollow": isHollow || undefined };
  return <path className={`studio-edge studio-edge-${kind}`} {...looks} d={path} markerEnd={hasArrow ? "url(#studio-arrow)" : undefined} />;
});

// The mark of a run or a type on a line. Screen readers hear it with the steps.
const Passed = memo(function Passed({ text, x, y, isPredicted, isHollow }: { text: string; x: number; y: number; isPredicted: boolean; isHollow: boolean }) {
  return (
    <span className="studio-passed" aria-hidden="true" data-predicted={isPredicted || undefined} data-hollow={isHollow || undefined} style={{ transform: `translate(14px, -50%) translate(${x}px, ${y}px)` }}>
      {text}
    </span>
  );
});

// A line is thin: what can be clicked is a wider one over it. It takes the focus, so that keys are about it.
const Hit = memo(function Hit({ from, to, path, choose }: { from: string; to: string; path: string; choose(from: string, to: string): void }) {
  return (
    <path
      className="studio-hit nopan"
      d={path}
      data-line={`${from}>${to}`}
      tabIndex={-1}
      onClick={(event) => {
        event.currentTarget.focus({ preventScroll: true });
        choose(from, to);
      }}
    />
  );
});

// Drawn anew only if the line is another object. A line that is only somewhere else keeps its path.
const FlowLine = memo(function FlowLine({ line: { kind, path, hasArrow, ends, course }, isChosen, mark, choose }: { line: Line; isChosen: boolean; mark: LineMark | undefined; choose(from: string, to: string): void }) {
  return (
    <g transform={`translate(${course[0]} ${course[1]})`}>
      <Path kind={kind} path={path} hasArrow={hasArrow} isChosen={isChosen} isRunning={mark?.isRunning} isHollow={mark?.isHollow} />
      {ends && <Hit from={ends.from} to={ends.to} path={path} choose={choose} />}
    </g>
  );
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
export const FlowLines = memo(function FlowLines({ lines, buttons, add, choose, chosen, marks }: { lines: Line[]; marks: ReadonlyMap<string, LineMark>; buttons: Plus[]; add(line: string): void; choose(from: string, to: string): void; chosen: { from: string; to: string } | null }) {
  return (
    <ViewportPortal>
      <svg className="studio-lines">
        <defs>
          <marker id="studio-arrow" markerWidth="14" markerHeight="14" viewBox="-10 -10 20 20" orient="auto-start-reverse" refX="0" refY="0">
            <polyline className="studio-arrow" points="-5,-4 0,0 -5,4 -5,-4" />
          </marker>
        </defs>
        {lines.map((line) => {
          const isChosen = line.ends !== null && chosen?.from === line.ends.from && chosen.to === line.ends.to;
          return <FlowLine key={line.key} line={line} isChosen={isChosen} mark={marks.get(line.key)} choose={choose} />;
        })}
      </svg>
      {lines.map(({ key, x, y, hasArrow }) => {
        const mark = hasArrow ? marks.get(key) : undefined;
        return mark?.text ? <Passed key={key} text={mark.text} x={x} y={y} isPredicted={mark.isPredicted} isHollow={mark.isHollow} /> : null;
      })}
      {buttons.map(({ key, label, x, y }) => (
        <Button key={key} place={key} label={label} x={x} y={y} add={add} />
      ))}
    </ViewportPortal>
  );
});

// The grounds below steps that exclude each other.
export const Grounds = memo(function Grounds({ grounds }: { grounds: Ground[] }) {
  return (
    <ViewportPortal>
      {grounds.map(({ key, x, y, w, h }) => (
        <div key={key} className="studio-ground" style={{ transform: `translate(${x}px, ${y}px)`, width: w, height: h }}>
          {t("at most one runs")}
        </div>
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
