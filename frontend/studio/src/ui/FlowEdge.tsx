// The lines between steps, each with a button that adds a step in its middle.
import { BaseEdge, EdgeLabelRenderer, getSmoothStepPath, type Edge as FlowEdgeType, type EdgeProps } from "@xyflow/react";
import { memo } from "react";

import { Icon } from "./icons";

export type Line = FlowEdgeType<{ kind: string; label: string; x: number; y: number; add: (() => void) | null }>;

export const FlowEdge = memo(function FlowEdge(props: EdgeProps<Line>) {
  const { sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, data } = props;
  const [path] = getSmoothStepPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, borderRadius: 14 });
  return (
    <>
      <BaseEdge id={props.id} path={path} className={`studio-edge studio-edge-${data!.kind}`} markerEnd={props.markerEnd} />
      {data!.add && (
        <EdgeLabelRenderer>
          <button
            type="button"
            className="studio-add studio-add-between nodrag nopan"
            style={{ transform: `translate(-50%, -50%) translate(${data!.x}px, ${data!.y}px)` }}
            tabIndex={-1}
            aria-label={data!.label}
            title={data!.label}
            onClick={data!.add}
          >
            <Icon name="plus" size={14} />
          </button>
        </EdgeLabelRenderer>
      )}
    </>
  );
});

// A reference of one step to another.
export const DataEdge = memo(function DataEdge(props: EdgeProps<Line>) {
  const { sourceX, sourceY, targetX, targetY, data } = props;
  // An arc to the right of both, wider the farther they are apart, so that several can be told from each other.
  const reach = Math.max(sourceX, targetX) + 36 + Math.min(150, Math.abs(targetY - sourceY) * 0.12);
  const path = `M ${sourceX},${sourceY} C ${reach},${sourceY} ${reach},${targetY} ${targetX},${targetY}`;
  const [x, y] = [(sourceX + targetX) / 8 + reach * 0.75, (sourceY + targetY) / 2];
  return (
    <>
      <BaseEdge id={props.id} path={path} className={`studio-edge studio-edge-${data!.kind}`} markerEnd={props.markerEnd} />
      {data!.label && (
        <EdgeLabelRenderer>
          <span className="studio-edge-label" style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}>
            {data!.label}
          </span>
        </EdgeLabelRenderer>
      )}
    </>
  );
});

export const edgeTypes = { flow: FlowEdge, data: DataEdge };
