// The drawing: React Flow shows what the layout says, and its gestures become operations.
import { applyNodeChanges, Background, BackgroundVariant, MiniMap, ReactFlow, useReactFlow, ViewportPortal, type Node as FlowNode, type NodeChange, type OnNodeDrag } from "@xyflow/react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";

import { stepIn } from "../document";
import type { Gap, Zone } from "../layout";
import { isIn, outermost } from "../model";
import { matching } from "../walk";
import { useStudio, useSurroundings } from "./context";
import { breachEdges, dataEdges, draw, flowEdges, flowNodes, placeOf } from "./drawn";
import { edgeTypes } from "./FlowEdge";
import { nodeTypes } from "./StepCard";

const NEAR_X = 130;
const NEAR_Y = 60;
const READABLE = 0.6;
const MARGIN = 32;
const MOST_BEFORE_START = 40;

const LABELS = {
  "node.a11yDescription.default": "",
  "node.a11yDescription.keyboardDisabled": "",
  "edge.a11yDescription.default": "",
  "minimap.ariaLabel": "Overview of the drawing",
};

export function Canvas({ statuses }: { statuses: Record<string, string> }) {
  const studio = useStudio();
  const { camera, isEditable } = useSurroundings();
  const flow = useReactFlow();
  const field = useRef<HTMLDivElement>(null);
  const { view, folded, canvas, selected, current, dialog, search, mounted, isEverywhereData } = studio;
  const isCoarse = useMemo(() => matchMedia("(pointer: coarse)").matches, []);
  const isDraggable = isEditable && !isCoarse;

  const add = useCallback((gap: Gap) => studio.open({ kind: "picker", gap }), [studio]);
  const drawn = useMemo(() => draw(studio, isEditable), [studio, view, folded, canvas?.positions, isEditable]);
  const found = useMemo(() => {
    if (!search.trim()) return null;
    return new Set(matching(view.model, search, (node) => JSON.stringify(stepIn(view.definition, node.step.id)?.with ?? "")).map((one) => one.key));
  }, [search, view]);
  const renamed = dialog?.kind === "rename" ? dialog.key : null;
  const wanted = useMemo(
    () => flowNodes(studio, drawn, found, statuses, add, isDraggable),
    [studio, drawn, found, selected, current, renamed, mounted, statuses, add, isDraggable],
  );
  const [nodes, setNodes] = useState<FlowNode[]>(wanted);
  const dragged = useRef(false);
  useLayoutEffect(() => {
    if (!dragged.current) setNodes((before) => kept(before, wanted));
  }, [wanted]);
  const lines = useMemo(() => flowEdges(drawn, isEditable ? add : null), [drawn, add, isEditable]);
  const others = useMemo(() => [...dataEdges(studio, drawn), ...breachEdges(studio, drawn)], [studio, drawn, selected, isEverywhereData, mounted]);
  const edges = useMemo(() => (others.length > 0 ? [...lines, ...others] : lines), [lines, others]);

  // ---- the camera

  const whole = useCallback(() => {
    const { boxes } = drawn.layout;
    const tops = boxes.filter((one) => one.parent === null);
    const [left, top] = [Math.min(...tops.map((one) => one.x)), Math.min(...tops.map((one) => one.y))];
    return { left, top, w: Math.max(...tops.map((one) => one.x + one.w)) - left, h: Math.max(...tops.map((one) => one.y + one.h)) - top };
  }, [drawn]);
  const fit = useCallback(
    (isFirst: boolean) => {
      const room = field.current?.getBoundingClientRect();
      if (!room || room.width === 0) return;
      const { left, top, w, h } = whole();
      const all = Math.min((room.width - 2 * MARGIN) / w, (room.height - 2 * MARGIN) / h, 1);
      // What is too large to be read as a whole begins at its start.
      const zoom = isFirst && all < READABLE ? Math.max(READABLE, Math.min(1, (room.width - 2 * MARGIN) / w)) : Math.max(all, 0.1);
      const isWhole = h * zoom <= room.height - MARGIN;
      const y = isWhole ? (room.height - h * zoom) / 2 - top * zoom : MOST_BEFORE_START - top * zoom;
      const middle = isFirst && w * zoom > room.width ? 0 : left + w / 2;
      void flow.setViewport({ x: room.width / 2 - middle * zoom, y, zoom });
    },
    [flow, whole],
  );
  const hasFitted = useRef(false);
  useEffect(() => {
    if (hasFitted.current || !canvas) return;
    hasFitted.current = true;
    fit(true);
  }, [canvas, fit]);
  // The panel takes from the right: what was in the middle stays there.
  useEffect(() => {
    let last = 0;
    const watch = new ResizeObserver(([entry]) => {
      const now = entry!.contentRect.width;
      if (last > 0 && now > 0 && now !== last && hasFitted.current) {
        const { x, y, zoom } = flow.getViewport();
        void flow.setViewport({ x: x + (now - last) / 2, y, zoom });
      }
      last = now;
    });
    watch.observe(field.current!);
    return () => watch.disconnect();
  }, [flow]);
  camera.current = {
    fit: () => fit(false),
    zoom: (by) => void flow.zoomTo(flow.getZoom() * by),
    show: (key) => {
      const place = placeOf(drawn, key);
      const room = field.current?.getBoundingClientRect();
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
      const moved = changes.filter((one) => one.type === "position" || one.type === "dimensions");
      if (moved.length > 0) setNodes((before) => applyNodeChanges(moved, before));
    },
    [studio],
  );

  // ---- dragging

  const [zone, setZone] = useState<Zone | null>(null);
  const [targets, setTargets] = useState<Zone[]>([]);
  const pointer = (event: { clientX: number; clientY: number }) => flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
  const nearest = (event: MouseEvent | TouchEvent): Zone | null => {
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
  const onNodeDragStart: OnNodeDrag = (_event, node) => {
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
  const onNodeDrag: OnNodeDrag = (event) => setZone(nearest(event as unknown as MouseEvent));
  const onNodeDragStop: OnNodeDrag = (event, node, all) => {
    dragged.current = false;
    const target = nearest(event as unknown as MouseEvent);
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
      void studio.place(offsets);
    }
    setNodes((before) => kept(before, flowNodes(studio, draw(studio, isEditable), found, statuses, add, isDraggable)));
  };

  return (
    <div ref={field} className="studio-field">
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onNodesChange={onNodesChange}
        onNodeClick={(_event, node) => {
          if (!view.model.nodes.has(node.id)) return;
          studio.current = node.id;
          studio.openPanel();
        }}
        onNodeDoubleClick={(_event, node) => view.model.nodes.has(node.id) && isEditable && studio.open({ kind: "rename", key: node.id })}
        onPaneClick={() => studio.select([])}
        onNodeContextMenu={(event, node) => {
          event.preventDefault();
          if (!view.model.nodes.has(node.id)) return;
          if (!studio.selected.has(node.id)) studio.select([node.id], node.id);
          studio.open({ kind: "menu", x: event.clientX, y: event.clientY, key: node.id });
        }}
        onPaneContextMenu={(event) => {
          event.preventDefault();
          studio.open({ kind: "menu", x: event.clientX, y: event.clientY, key: null });
        }}
        onSelectionContextMenu={(event) => {
          event.preventDefault();
          studio.open({ kind: "menu", x: event.clientX, y: event.clientY, key: studio.current });
        }}
        onNodeDragStart={onNodeDragStart}
        onNodeDrag={onNodeDrag}
        onNodeDragStop={onNodeDragStop}
        onSelectionDragStart={(event, all) => all[0] && onNodeDragStart(event as never, all[0], all)}
        onSelectionDrag={(event, all) => all[0] && onNodeDrag(event as never, all[0], all)}
        onSelectionDragStop={(event, all) => all[0] && onNodeDragStop(event as never, all[0], all)}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        disableKeyboardA11y
        deleteKeyCode={null}
        panActivationKeyCode={null}
        multiSelectionKeyCode={["Control", "Meta"]}
        zoomOnDoubleClick={false}
        zoomActivationKeyCode={["Control", "Meta"]}
        zoomOnScroll={false}
        panOnScroll
        preventScrolling
        minZoom={0.1}
        maxZoom={1.6}
        nodeDragThreshold={4}
        elevateNodesOnSelect={false}
        ariaLabelConfig={LABELS}
      >
        <Background variant={BackgroundVariant.Dots} gap={22} size={1.2} />
        {!isCoarse && <MiniMap pannable zoomable className="studio-minimap" nodeClassName={(node) => `studio-mini studio-mini-${node.type}`} nodeStrokeWidth={6} />}
        {targets.length > 0 && (
          <ViewportPortal>
            {targets.map((one) => (
              <div key={one.key} className="studio-zone" data-near={one === zone || undefined} style={{ transform: `translate(-50%, -50%) translate(${one.x}px, ${one.y}px)` }} />
            ))}
          </ViewportPortal>
        )}
      </ReactFlow>
    </div>
  );
}

// Return the wanted nodes with what React Flow has measured of those that were there before.
function kept(before: FlowNode[], wanted: FlowNode[]): FlowNode[] {
  const known = new Map(before.map((one) => [one.id, one]));
  return wanted.map((one) => {
    const old = known.get(one.id);
    return old?.measured && old.width === one.width && old.height === one.height ? { ...one, measured: old.measured } : one;
  });
}
