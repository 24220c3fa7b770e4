// The drawing: React Flow shows what the layout says, and its gestures become operations.
import { applyNodeChanges, Background, BackgroundVariant, ReactFlow, useReactFlow, ViewportPortal, type Node as FlowNode, type NodeChange, type ReactFlowProps } from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { stepIn } from "../document";
import type { Marks } from "../flow/marks";
import { connect } from "../gestures";
import { ordered } from "../join";
import type { Zone } from "../layout";
import { isIn, outermost } from "../model";
import { useExpressionsShown } from "../panel/expressionSwitch";
import { fitting } from "../own";
import { afterPaint } from "../paint";
import { matching } from "../walk";
import { useStudio, useSurroundings } from "./context";
import { asides, breachLines, corners, dataLines, draw, flowLines, flowNodes, ghostPlaces, grounds, kept, lineMarks, placeOf, plusses, stepAt, stepUnder, type Line } from "./drawn";
import { roomiest, type Corner } from "./overviewPlace";
import { useResizing, type Sized } from "./resizing";
import { Connection, FIELD_ROW, FIELDS_GAP, FIELDS_WIDTH, useConnecting, type Plugged } from "./connecting";
import { Arcs, FlowLines, Grounds } from "./Lines";
import { Overview } from "./Overview";
import { GhostMark, nodeTypes, renumber } from "./StepCard";

const NEAR_X = 130;
const NEAR_Y = 60;
const READABLE = 0.6;
const MARGIN = 32;
const MOST_BEFORE_START = 40;
const DOUBLE_CLICK_MS = 500;

const LABELS = {
  "node.a11yDescription.default": "",
  "node.a11yDescription.keyboardDisabled": "",
  "edge.a11yDescription.default": "",
};

export function Canvas({ marks }: { marks: Marks }) {
  const studio = useStudio();
  const { camera, isEditable } = useSurroundings();
  const flow = useReactFlow();
  const field = useRef<HTMLDivElement>(null);
  const { view, folded, canvas, selected, current, dialog, search, mounted, isEverywhereData, trigger, triggerTypes, triggerStatuses } = studio;
  const { breakpoints } = studio.debugger;
  const { ghosts } = studio.copilot;
  const isCoarse = useMemo(() => matchMedia("(pointer: coarse)").matches, []);
  const isDraggable = isEditable && !isCoarse;

  const { definition, model } = view;
  const drawn = useMemo(
    () => draw(studio, isEditable),
    [studio, model, asides(definition), folded, canvas?.positions, canvas?.looks, isEditable],
  );
  const latest = useRef(drawn);
  latest.current = drawn;
  const add = useCallback(
    (place: string) => {
      const gap = latest.current.zones.find((one) => one.key === place)?.gap;
      if (gap) studio.open({ kind: "picker", gap });
    },
    [studio],
  );
  const found = useMemo(() => {
    if (!search.trim()) return null;
    return new Set(matching(view.model, search, (node) => JSON.stringify(stepIn(view.definition, node.step.id)?.with ?? "")).map((one) => one.key));
  }, [search, view]);
  const isRaw = useExpressionsShown();
  const renamed = dialog?.kind === "rename" ? dialog.key : null;
  const before = useRef<FlowNode[]>([]);
  const nodes = useMemo(
    () => kept(before.current, flowNodes(studio, drawn, found, marks, add, isDraggable)),
    [studio, drawn, view, found, selected, current, renamed, mounted, marks, add, isDraggable, trigger, triggerTypes, triggerStatuses, breakpoints, ghosts, isRaw],
  );
  before.current = nodes;
  // While steps are dragged, React Flow says where they are.
  const [moving, setMoving] = useState<FlowNode[] | null>(null);
  const at = useMemo(() => corners(drawn.layout, moving && new Map(moving.map((one) => [one.id, one.position]))), [drawn, moving]);
  const linesBefore = useRef<Line[]>([]);
  const lines = useMemo(() => flowLines(drawn.layout, at, linesBefore.current), [drawn, at]);
  linesBefore.current = lines;
  useEffect(() => afterPaint(() => renumber(field.current!, before.current, model)), [model]);
  const passed = useMemo(() => lineMarks(drawn.layout, marks), [drawn, marks]);
  const added = useMemo(() => ghostPlaces(studio, drawn), [studio, drawn, ghosts]);
  const under = useMemo(() => grounds(drawn.layout, at), [drawn, at]);
  const buttons = useMemo(() => (isEditable ? plusses(drawn) : []), [drawn, isEditable]);
  const arcs = useMemo(() => [...dataLines(studio, drawn, at), ...breachLines(studio, drawn, at)], [studio, drawn, at, view, selected, isEverywhereData, mounted, isRaw]);

  // ---- the camera

  const whole = useCallback(() => {
    const { boxes } = drawn.layout;
    const tops = boxes.filter((one) => one.parent === null);
    const [left, top] = [Math.min(...tops.map((one) => one.x)), Math.min(...tops.map((one) => one.y))];
    return { left, top, w: Math.max(...tops.map((one) => one.x + one.w)) - left, h: Math.max(...tops.map((one) => one.y + one.h)) - top };
  }, [drawn]);
  const missed = useRef(0);
  const [corner, setCorner] = useState<Corner>("bottom-left");
  const fit = useCallback(
    (isFirst: boolean) => {
      missed.current = 0;
      const room = field.current?.getBoundingClientRect();
      if (!room || room.width === 0) return;
      const { left, top, w, h } = whole();
      const all = Math.min((room.width - 2 * MARGIN) / w, (room.height - 2 * MARGIN) / h, 1);
      // What is too large to be read as a whole begins at its start.
      const zoom = isFirst && all < READABLE ? Math.max(READABLE, Math.min(1, (room.width - 2 * MARGIN) / w)) : Math.max(all, 0.1);
      const isWhole = h * zoom <= room.height - MARGIN;
      const y = isWhole ? (room.height - h * zoom) / 2 - top * zoom : MOST_BEFORE_START - top * zoom;
      const middle = isFirst && w * zoom > room.width ? 0 : left + w / 2;
      const x = room.width / 2 - middle * zoom;
      void flow.setViewport({ x, y, zoom });
      const places = corners(drawn.layout);
      setCorner(roomiest(drawn.layout.boxes.map(({ key, w, h }) => ({ ...places.get(key)!, w, h })), { x: -x / zoom, y: -y / zoom, w: room.width / zoom, h: room.height / zoom }, zoom));
    },
    [flow, whole, drawn],
  );
  const hasFitted = useRef(false);
  const size = useRef<{ width: number; height: number } | null>(null);
  useEffect(() => {
    if (hasFitted.current || !canvas) return;
    hasFitted.current = true;
    fit(true);
  }, [canvas, fit]);
  // What was in the middle goes back there when the panel takes from the right, but not before a double click is over, and
  // never under a hand that drags something.
  useEffect(() => {
    let last = 0;
    let isHeld = false;
    let timer: ReturnType<typeof setTimeout>;
    const hold = () => (isHeld = true);
    const release = () => (isHeld = false);
    const shift = () => {
      if (isHeld) {
        timer = setTimeout(shift, DOUBLE_CLICK_MS);
        return;
      }
      const { x, y, zoom } = flow.getViewport();
      void flow.setViewport({ x: x + missed.current / 2, y, zoom });
      missed.current = 0;
    };
    const watch = new ResizeObserver(([entry]) => {
      size.current = entry!.contentRect;
      const now = entry!.contentRect.width;
      if (last > 0 && now > 0 && now !== last && hasFitted.current) {
        missed.current += now - last;
        clearTimeout(timer);
        timer = setTimeout(shift, DOUBLE_CLICK_MS);
      }
      last = now;
    });
    const place = field.current!;
    const ends = ["pointerup", "pointercancel"];
    watch.observe(place);
    place.addEventListener("pointerdown", hold, true);
    ends.forEach((end) => window.addEventListener(end, release, true));
    return () => {
      clearTimeout(timer);
      watch.disconnect();
      place.removeEventListener("pointerdown", hold, true);
      ends.forEach((end) => window.removeEventListener(end, release, true));
    };
  }, [flow]);
  studio.drawnSize = (node) => {
    const box = drawn.layout.byKey.get(node.key);
    return box ? [box.w, box.h] : null;
  };
  camera.current = {
    fit: () => fit(false),
    zoom: (by) => void flow.zoomTo(flow.getZoom() * by),
    show: (key) => {
      const place = placeOf(drawn, key);
      const room = size.current; // reading it now would make the browser lay everything out at once
      if (!place || !room) return;
      const { x, y, zoom } = flow.getViewport();
      const [left, top] = [place.x * zoom + x, place.y * zoom + y];
      const height = Math.min(place.h, 90) * zoom;
      const isSeen = left >= 0 && top >= 0 && left + Math.min(place.w, 240) * zoom <= room.width && top + height <= room.height;
      if (!isSeen) void flow.setCenter(place.x + Math.min(place.w, room.width / zoom) / 2, place.y + Math.min(place.h, 120) / 2, { zoom: Math.max(zoom, READABLE) });
    },
  };

  // ---- selecting

  const onNodesChange = useCallback(
    (changes: NodeChange[]) => {
      const picked = changes.filter((one) => one.type === "select");
      if (picked.length > 0) {
        const next = new Set(studio.selected);
        for (const one of picked) {
          if (one.selected) next.add(one.id);
          else next.delete(one.id);
        }
        const last = picked.findLast((one) => one.selected)?.id;
        if (next.size !== studio.selected.size || [...next].some((one) => !studio.selected.has(one))) studio.select(next, last);
      }
      const moved = changes.filter((one) => one.type === "position");
      if (moved.length > 0 && dragged.current) setMoving((now) => applyNodeChanges(moved, now ?? before.current));
    },
    [studio],
  );

  // ---- dragging

  const dragged = useRef(false);
  const [zone, setZone] = useState<Zone | null>(null);
  const [targets, setTargets] = useState<Zone[]>([]);
  const pointer = (event: { clientX: number; clientY: number }) => flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
  const nearest = (event: DragEvent): Zone | null => {
    const at = pointer("clientX" in event ? event : event.changedTouches[0]!);
    let best: Zone | null = null;
    let least = 1;
    for (const one of targets) {
      const far = Math.hypot((one.x - at.x) / NEAR_X, (one.y - at.y) / NEAR_Y);
      if (far < least) [best, least] = [one, far];
    }
    return best;
  };
  const movedKeys = (node: FlowNode): string[] => (studio.selected.has(node.id) ? [...studio.selected] : [node.id]);
  const onNodeDragStart = (_event: DragEvent, node: FlowNode) => {
    dragged.current = true;
    const moved = outermost(view.model, movedKeys(node));
    const isOwn = ({ gap }: Zone) => {
      const inside = gap.block.owner && moved.some((one) => isIn(gap.block.owner!, one));
      const beside = moved.length === 1 && (gap.after === moved[0] || gap.before === moved[0]);
      const atEnd = !gap.after && !gap.before && moved.length === 1 && gap.block.nodes.at(-1) === moved[0];
      return inside || beside || atEnd;
    };
    setTargets(drawn.zones.filter((one) => !isOwn(one)));
  };
  const onNodeDrag = (event: DragEvent) => setZone(nearest(event));
  const onNodeDragStop = (event: DragEvent, node: FlowNode, all: FlowNode[]) => {
    dragged.current = false;
    const target = nearest(event);
    setZone(null);
    setTargets([]);
    if (target) {
      studio.move(movedKeys(node), target.gap);
    } else {
      const offsets: Record<string, [number, number]> = {};
      for (const one of all) {
        const box = drawn.layout.byKey.get(one.id);
        if (box?.node) offsets[box.node.step.path] = [Math.round(one.position.x - box.auto.x), Math.round(one.position.y - box.auto.y)];
      }
      studio.place(offsets);
    }
    setMoving(null);
  };

  const line = studio.line;
  const choose = useCallback((from: string, to: string) => studio.choose(from, to), [studio]);
  const plug = useConnecting(field, "plug", (from, event) => {
    const [node, { x, y }] = [studio.node(from), pointer(event)];
    const [box, start] = [drawn.layout.byKey.get(from), at.get(from)];
    if (!node || !box || !start) return null;
    const target = stepAt(drawn.layout, at, node, x, y);
    const step = target === null || target.node === node ? null : target.node;
    const made = step && connect(node, step);
    return { path: `M ${start.x + box.w / 2},${start.y + box.h} L ${x},${y}`, target: step ? { ...at.get(step.key)!, w: target!.w, h: target!.h, key: step.key } : null, isRefused: typeof made === "string" };
  }, (from, to) => studio.connect(from, to));

  const data = useConnecting(
    field,
    "data",
    (from, event, before) => {
      const [node, { x, y }] = [studio.node(from), pointer(event)];
      const [box, start] = [drawn.layout.byKey.get(from), at.get(from)];
      if (!node || !box || !start) return null;
      const path = `M ${start.x + box.w},${start.y + box.h / 2} L ${x},${y}`;
      const row = before?.target ? rowAt(before, x, y) : undefined;
      if (before && row !== undefined) return { ...before, path, at: row };
      const under = stepUnder(drawn.layout, at, x, y);
      const step = under === null || under.node === node ? null : under.node;
      if (!step) return { path, target: null, isRefused: false };
      const fields = studio.targets(step).slice(0, MOST_FIELDS);
      return { path, target: { ...at.get(step.key)!, w: under!.w, h: step.inner ? HEAD_HEIGHT : under!.h, key: step.key }, isRefused: typeof ordered(node, step) === "string", fields, at: null };
    },
    (from, to, row) => studio.open({ kind: "join", from, to, field: row ?? undefined }),
  );

  // React Flow passes each new function on to every node: these stay the same, and do what the newest say.
  const handlers = useRef<Handlers>(null!);
  handlers.current = {
    onNodeClick: ({ target }, node) => {
      if (!model.nodes.has(node.id) || isCorner(target)) return;
      studio.current = node.id;
      studio.openPanel();
    },
    onNodeDoubleClick: ({ target }, node) => {
      const sized = isCorner(target) ? studio.node(node.id) : null;
      if (sized) return studio.resize([sized], () => null);
      if ( model.nodes.has(node.id) && isEditable) studio.open({ kind: "rename", key: node.id });
    },
    onPaneClick: () => studio.select([]),
    onNodeContextMenu: (event, node) => {
      event.preventDefault();
      if (!model.nodes.has(node.id)) return;
      if (!studio.selected.has(node.id)) studio.select([node.id], node.id);
      studio.open({ kind: "menu", x: event.clientX, y: event.clientY, key: node.id });
    },
    onPaneContextMenu: (event) => {
      event.preventDefault();
      studio.open({ kind: "menu", x: event.clientX, y: event.clientY, key: null });
    },
    onSelectionContextMenu: (event) => {
      event.preventDefault();
      studio.open({ kind: "menu", x: event.clientX, y: event.clientY, key: studio.current });
    },
    onNodeDragStart,
    onNodeDrag,
    onNodeDragStop,
    onSelectionDragStart: (event, all) => all[0] && onNodeDragStart(event, all[0]),
    onSelectionDrag: (event) => onNodeDrag(event),
    onSelectionDragStop: (event, all) => all[0] && onNodeDragStop(event, all[0], all),
  };
  const stable = useMemo(() => {
    const names = Object.keys(handlers.current) as (keyof Handlers)[];
    return Object.fromEntries(names.map((name) => [name, (...args: unknown[]) => (handlers.current[name] as (...args: unknown[]) => void)(...args)])) as unknown as Handlers;
  }, []);
  const sized = useResizing(
    field,
    (key) => {
      const box = drawn.layout.byKey.get(key);
      return box?.node ? { w: box.w, h: box.h, zoom: flow.getZoom() } : null;
    },
    fitting,
    (key, size) => {
      const node = studio.node(key);
      if (node) studio.resize([node], () => size);
    },
  );
  const flowing = useMemo(() => (sized ? nodes.map((one) => (one.id === sized.key ? resized(one, sized) : one)) : (moving ?? nodes)), [sized, moving, nodes]);
  const shown = useMemo(
    () => (
      <ReactFlow nodes={flowing} edges={NO_EDGES} nodeTypes={nodeTypes} onNodesChange={onNodesChange} {...stable} {...FIXED}>
        <Background variant={BackgroundVariant.Dots} gap={22} size={1.2} />
        {!isCoarse && <Overview layout={drawn.layout} at={at} corner={corner} />}
        <Grounds grounds={under} />
        <FlowLines lines={lines} buttons={buttons} add={add} choose={choose} chosen={line} marks={passed} />
        {plug && <Connection plug={plug} />}
        {data && <Connection plug={data} kind="data" />}
        {arcs.length > 0 && <Arcs lines={arcs} />}
        {added.length > 0 && (
          <ViewportPortal>
            {added.map((one) => (
              <div key={one.key} className="studio-ghosts" style={{ transform: `translate(-50%, -50%) translate(${one.x}px, ${one.y}px)` }}>
                {one.steps.map((ghost) => (
                  <GhostMark key={ghost.step} ghost={ghost} isNamed />
                ))}
              </div>
            ))}
          </ViewportPortal>
        )}
        {targets.length > 0 && (
          <ViewportPortal>
            {targets.map((one) => (
              <div key={one.key} className="studio-zone" data-near={one === zone || undefined} style={{ transform: `translate(-50%, -50%) translate(${one.x}px, ${one.y}px)` }} />
            ))}
          </ViewportPortal>
        )}
      </ReactFlow>
    ),
    [flowing, onNodesChange, stable, isCoarse, drawn, at, corner, under, lines, passed, buttons, add, choose, line, plug, data, arcs, added, targets, zone],
  );
  return (
    <div ref={field} className="studio-field" data-editable={isDraggable || undefined}>
      {shown}
    </div>
  );
}

interface Handlers {
  onNodeClick(event: React.MouseEvent, node: FlowNode): void;
  onNodeDoubleClick(event: React.MouseEvent, node: FlowNode): void;
  onPaneClick(event: React.MouseEvent): void;
  onNodeContextMenu(event: React.MouseEvent, node: FlowNode): void;
  onPaneContextMenu(event: MouseEvent | React.MouseEvent): void;
  onSelectionContextMenu(event: React.MouseEvent): void;
  onNodeDragStart(event: DragEvent, node: FlowNode): void;
  onNodeDrag(event: DragEvent): void;
  onNodeDragStop(event: DragEvent, node: FlowNode, all: FlowNode[]): void;
  onSelectionDragStart(event: DragEvent, all: FlowNode[]): void;
  onSelectionDrag(event: DragEvent): void;
  onSelectionDragStop(event: DragEvent, all: FlowNode[]): void;
}

type DragEvent = React.MouseEvent | MouseEvent | TouchEvent;

const MOST_FIELDS = 12;
const HEAD_HEIGHT = 46;

// Return the row of the fields beside a step that is at a place; null between the step and its fields.
function rowAt({ target, fields = [] }: Plugged, x: number, y: number): number | null | undefined {
  const [left, row] = [target!.x + target!.w, Math.floor((y - target!.y) / FIELD_ROW)];
  if (row < 0 || row >= fields.length || x < left || x > left + FIELDS_GAP + FIELDS_WIDTH) return undefined;
  return x < left + FIELDS_GAP ? null : row;
}

const isCorner = (target: EventTarget): boolean => target instanceof HTMLElement && target.dataset.resize !== undefined;

const resized = (node: FlowNode, { size: [width, height], left }: Sized): FlowNode => ({
  ...node,
  width,
  height,
  measured: { width, height },
  position: { x: node.position.x + left, y: node.position.y },
});

const NO_EDGES: never[] = [];
// Everything about React Flow that never changes: an object of its own in each render would set it up again.
const FIXED: Partial<ReactFlowProps> = {
  nodesConnectable: false,
  nodesFocusable: false,
  edgesFocusable: false,
  disableKeyboardA11y: true,
  deleteKeyCode: null,
  panActivationKeyCode: null,
  multiSelectionKeyCode: ["Control", "Meta"],
  zoomOnDoubleClick: false,
  zoomActivationKeyCode: ["Control", "Meta"],
  zoomOnScroll: false,
  panOnScroll: true,
  preventScrolling: true,
  minZoom: 0.1,
  maxZoom: 1.6,
  nodeDragThreshold: 4,
  elevateNodesOnSelect: false,
  ariaLabelConfig: LABELS,
};
