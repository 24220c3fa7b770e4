// Everything that opens over the canvas: the menu, a note, help, and the answers to a clash.
import { useEffect, useMemo, useRef } from "react";

import { DebugDialog } from "../flow/DebugBar";
import { HELP, type Command } from "../keys";
import { N_, t, tn } from "../language";
import { Markdown } from "../Markdown";
import type { Clash } from "../queue";
import type { SaveClash } from "../store";
import { lineDifference } from "../text";
import { ConnectDialog } from "./ConnectDialog";
import { useStudio, useSurroundings } from "./context";
import { JoinDialog } from "./JoinDialog";
import { Modal } from "./Modal";
import { Picker } from "./Picker";

export function Dialogs() {
  const studio = useStudio();
  const { dialog, state } = studio;
  if (state.kind === "clash") return <ClashDialog clash={state.clash} />;
  switch (dialog?.kind) {
    case "picker":
      return <Picker gap={dialog.gap} />;
    case "menu":
      return <Menu x={dialog.x} y={dialog.y} />;
    case "note":
      return <NoteDialog dialogKey={dialog.key} typed={dialog.text} />;
    case "connect":
      return <ConnectDialog key={dialog.key} dialogKey={dialog.key} />;
    case "join":
      return <JoinDialog key={`${dialog.from}>${dialog.to}`} from={dialog.from} to={dialog.to} field={dialog.field} />;
    case "help":
      return (
        <Modal title={t("Keys")}>
          <table className="studio-help">
            <tbody>
              {HELP.map(([keys, what]) => (
                <tr key={keys}>
                  <th scope="row">
                    <kbd>{t(keys)}</kbd>
                  </th>
                  <td>{t(what)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Modal>
      );
    case "debug":
      return <DebugDialog />;
    case "save":
      return <SaveDialog clash={dialog.clash} />;
    case "discard":
      return (
        <Modal title={t("Discard the draft?")}>
          <p>{t("All changes since the file was last saved are lost. This cannot be undone.")}</p>
          <footer className="studio-dialog-foot">
            <button type="button" className="studio-button" data-tone="danger" onClick={() => void studio.discard()}>
              {t("Discard the draft")}
            </button>
            <button type="button" className="studio-button" data-first onClick={() => studio.open(null)}>
              {t("Keep it")}
            </button>
          </footer>
        </Modal>
      );
    default:
      return null;
  }
}

function Difference({ before, after }: { before: string; after: string }) {
  const lines = useMemo(() => lineDifference(before, after), [before, after]);
  return (
    <pre className="studio-difference" tabIndex={0} aria-label={t("The lines that differ")}>
      {lines.map((line, index) => (
        <span key={index} data-sign={line.sign}>
          {line.sign === "…" ? "⋯" : `${line.sign} ${line.text}`}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}

function ClashDialog({ clash }: { clash: Clash }) {
  const studio = useStudio();
  return (
    <Modal title={t("This draft was changed in another window")} onClose={() => undefined}>
      <p>{clash.message}</p>
      <p className="studio-quiet">{t("Nothing was overwritten. “−” is the draft as it is now, “+” the draft that your change was made for, with your change.")}</p>
      <Difference before={clash.theirs} after={clash.yours ?? clash.theirs} />
      <footer className="studio-dialog-foot">
        <button type="button" className="studio-button" data-tone="primary" onClick={() => studio.queue.answer("mine")}>
          {t("Apply my change to it")}
        </button>
        <button type="button" className="studio-button" onClick={() => studio.queue.answer("theirs")}>
          {t("Discard my change")}
        </button>
      </footer>
    </Modal>
  );
}

function SaveDialog({ clash }: { clash: SaveClash }) {
  const studio = useStudio();
  if (!clash.etag) return <DeletedDialog />;
  return (
    <Modal title={t("This workflow was saved since you began your draft")}>
      <p>{t("Nothing was overwritten. Your draft differs from the file as it is now:")}</p>
      <ul className="studio-sentences">
        {clash.differences.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
      <Difference before={clash.theirs} after={studio.canvas?.text ?? ""} />
      <footer className="studio-dialog-foot">
        <button type="button" className="studio-button" data-tone="danger" onClick={() => void studio.save(clash.etag)}>
          {t("Overwrite it with my draft")}
        </button>
        <button type="button" className="studio-button" onClick={() => void studio.discard()}>
          {t("Discard my draft")}
        </button>
        <button type="button" className="studio-button" data-first onClick={() => studio.open(null)}>
          {t("Decide later")}
        </button>
      </footer>
    </Modal>
  );
}

function DeletedDialog() {
  const studio = useStudio();
  return (
    <Modal title={t("The file of this workflow was deleted")}>
      <p>{t("Your draft is still here.")}</p>
      <footer className="studio-dialog-foot">
        <button type="button" className="studio-button" data-tone="primary" onClick={() => void studio.save("")}>
          {t("Make the file again from my draft")}
        </button>
        <button type="button" className="studio-button" data-first onClick={() => studio.open(null)}>
          {t("Decide later")}
        </button>
      </footer>
    </Modal>
  );
}

function NoteDialog({ dialogKey, typed }: { dialogKey: string; typed: string | undefined }) {
  const studio = useStudio();
  const node = studio.node(dialogKey);
  if (!node) return null;
  const text = typed ?? node.step.note;
  const set = (): void => {
    studio.open(null);
    studio.note(node, text.trim());
  };
  return (
    <Modal title={t("Note on {title}", { title: node.step.title })} onClose={set}>
      <textarea
        data-first
        aria-label={t("Note")}
        rows={5}
        value={text}
        onChange={(event) => studio.open({ kind: "note", key: dialogKey, text: event.target.value })}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) set();
        }}
      />
      {text.trim() && (
        <section className="studio-note-shown" aria-label={t("As it is shown")}>
          <Markdown text={text} />
        </section>
      )}
      <footer className="studio-dialog-foot">
        <button type="button" className="studio-button" data-tone="primary" onClick={set}>
          {t("Keep the note")}
        </button>
        {node.step.note && (
          <button
            type="button"
            className="studio-button"
            onClick={() => {
              studio.open(null);
              studio.note(node, "");
            }}
          >
            {t("Remove it")}
          </button>
        )}
      </footer>
    </Modal>
  );
}

type Item = readonly [Command, string, string] | null;
const EDITS: readonly Item[] = [
  ["add", N_("Add a step after"), "A"],
  ["rename", N_("Rename"), "F2"],
  ["note", N_("Note"), "N"],
  ["connect", N_("Connect to…"), "C"],
  ["use", N_("Use an output…"), "U"],
  ["breakpoint", N_("Set or delete a breakpoint"), "B"],
  ["copilot", N_("Ask about this step"), "P"],
  null,
  ["move-up", N_("Move up"), N_("Alt ↑")],
  ["move-down", N_("Move down"), N_("Alt ↓")],
  ["group", N_("Group"), "G"],
  ["ungroup", N_("Dissolve the group"), N_("Shift G")],
  null,
  ["copy", N_("Copy"), N_("Ctrl C")],
  ["paste", N_("Paste after"), N_("Ctrl V")],
  ["duplicate", N_("Duplicate"), N_("Ctrl D")],
  ["remove", N_("Remove"), N_("Del")],
];
const ON_PANE: readonly Item[] = [
  ["add", N_("Add a step at the end"), "A"],
  ["paste", N_("Paste"), N_("Ctrl V")],
  ["all", N_("Select all"), N_("Ctrl A")],
  null,
  ["undo", N_("Undo"), N_("Ctrl Z")],
  ["redo", N_("Redo"), N_("Ctrl Y")],
  ["fit", N_("Show everything"), "0"],
];

function Menu({ x, y }: { x: number; y: number }) {
  const studio = useStudio();
  const { run, isEditable } = useSurroundings();
  const menu = useRef<HTMLDivElement>(null);
  const node = studio.selectedNodes[0];
  const all: readonly Item[] = !node ? ON_PANE : node.inner ? [["fold", studio.folded.has(node.key) ? N_("Unfold") : N_("Fold"), "F"], ...EDITS] : EDITS;
  const items = all.filter((one) => one === null || ((isEditable || ["copy", "fold", "fit", "all", "breakpoint", "copilot"].includes(one[0])) && (one[0] !== "copilot" || studio.mounted.mayEdit) && (one[0] !== "breakpoint" || (studio.mounted.mayRun && node?.step.uses)) && (one[0] !== "ungroup" || node?.inner)));
  useEffect(() => {
    const element = menu.current!;
    element.showPopover();
    const { width, height } = element.getBoundingClientRect();
    element.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
    element.style.top = `${Math.max(8, Math.min(y, innerHeight - height - 8))}px`;
    element.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  }, [x, y]);
  const go = (event: React.KeyboardEvent): void => {
    event.stopPropagation();
    const all = [...menu.current!.querySelectorAll<HTMLElement>("[role=menuitem]")];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      all.at(to % all.length)?.focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      studio.open(null);
    }
  };
  return (
    <div
      ref={menu}
      popover="auto"
      role="menu"
      aria-label={node ? t("Menu of {what}", { what: studio.selected.size > 1 ? tn("{count} step", "{count} steps", studio.selected.size) : node.step.title }) : t("Menu of the canvas")}
      className="studio-menu"
      onKeyDown={go}
      onToggle={(event) => event.newState === "closed" && studio.dialog?.kind === "menu" && studio.open(null)}
    >
      {items.map((one, index) =>
        one === null ? (
          <hr key={index} />
        ) : (
          <button
            key={one[0]}
            type="button"
            role="menuitem"
            tabIndex={-1}
            onClick={() => {
              studio.open(null);
              if (one[0] === "copilot") studio.openCopilot(true);
              else run(one[0]);
            }}
          >
            {t(one[1])} <kbd aria-hidden="true">{t(one[2])}</kbd>
          </button>
        ),
      )}
    </div>
  );
}
