// A small diagram of a workflow in an answer: boxes that lead to their steps, and lines between them.
import { t, tn } from "../language";
import { kindWord } from "../ui/looks";
import type { Copilot } from "./copilot";
import { BOX, drawn, HEAD, inOrder, titleOf, type Box, type Line } from "./diagram";
import type { Diagram } from "./shapes";

export function DiagramView({ copilot, diagram }: { copilot: Copilot; diagram: Diagram }) {
  const { boxes, lines, height } = drawn(diagram);
  return (
    <>
      <div className="copilot-diagram" style={{ height }}>
        <svg role="img" aria-label={t("Steps in order: {steps}", { steps: inOrder(diagram.nodes) })} viewBox={`0 0 100 ${height}`} preserveAspectRatio="none">
          {boxes.filter((one) => one.isFrame).map(({ node, x, y, w, h }) => (
            <rect key={node.id} x={x} y={y} width={w} height={h} />
          ))}
          {lines.map((one) => (
            <path key={one.key} d={curve(one)} data-conditional={one.isConditional || undefined} />
          ))}
        </svg>
        {lines.map(({ key, to }) => (
          <span key={key} className="copilot-arrow" aria-hidden="true" style={{ left: `${to.x}%`, top: to.y }} />
        ))}
        {boxes.map((one) => (
          <NodeView key={one.node.id} copilot={copilot} box={one} />
        ))}
      </div>
      {diagram.more > 0 && <p className="studio-quiet">{tn("{count} step is left out.", "{count} steps are left out.", diagram.more)}</p>}
    </>
  );
}

function NodeView({ copilot, box: { node, x, y, w, isFrame } }: { copilot: Copilot; box: Box }) {
  const place = { left: `${x}%`, top: y, width: `${w}%`, height: isFrame ? HEAD : BOX };
  const what = [node.step && kindWord(node.kind, node.is_loop), node.hidden > 0 && tn("{count} step", "{count} steps", node.hidden), node.is_conditional && t("only if")].filter(Boolean).join(" · ");
  const words = (
    <>
      <b>{titleOf(node)}</b> {what && <small>{what}</small>}
    </>
  );
  const looks = { className: "copilot-node", style: place, title: titleOf(node), "data-about": node.is_about || undefined, "data-frame": isFrame || undefined };
  if (!node.step || !copilot.host.isDrawing) return <span {...looks}>{words}</span>;
  return (
    <button type="button" {...looks} aria-label={t("Show {title} on the canvas", { title: node.title })} onClick={() => copilot.host.show(node.step)}>
      {words}
    </button>
  );
}

function curve({ from, to }: Line): string {
  const middle = (from.y + to.y) / 2;
  return `M${from.x} ${from.y}C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${to.y}`;
}
