// Everything that opens over the canvas: the menu, a note, help, and the answers to a clash.
import { useEffect, useMemo, useRef, type ReactNode } from "react";

import { HELP, type Command } from "../keys";
import type { Clash } from "../queue";
import type { SaveClash } from "../store";
import { lineDifference } from "../text";
import { ConnectDialog } from "./ConnectDialog";
import { useStudio, useSurroundings } from "./context";
import { Icon } from "./icons";
import { Picker } from "./Picker";

export function Modal({ title, className = "", children, onClose }: { title: string; className?: string; children: ReactNode; onClose?: () => void }) {
  const { studio } = useSurroundings();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    if (!element.open) element.showModal(); // which would begin at the button that closes it
    element.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => element.close();
  }, []);
  const close = onClose ?? (() => studio.open(null));
  return (
    <dialog
      ref={dialog}
      className={`studio-dialog ${className}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => event.target === dialog.current && close()}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <header className="studio-dialog-head">
        <h3>{title}</h3>
        <button type="button" className="studio-plain" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

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
    case "help":
      return (
        <Modal title="Keys">
          <table className="studio-help">
            <tbody>
              {HELP.map(([keys, what]) => (
                <tr key={keys}>
                  <th scope="row">
                    <kbd>{keys}</kbd>
                  </th>
                  <td>{what}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Modal>
      );
    case "save":
      return <SaveDialog clash={dialog.clash} />;
    case "discard":
      return (
        <Modal title="Discard the draft?">
          <p>All changes since the file was last saved are lost. This cannot be undone.</p>
          <footer className="studio-dialog-foot">
            <button type="button" className="studio-button" data-tone="danger" onClick={() => void studio.discard()}>
              Discard the draft
            </button>
            <button type="button" className="studio-button" data-first onClick={() => studio.open(null)}>
              Keep it
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
    <pre className="studio-difference" tabIndex={0} aria-label="The lines that differ">
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
    <Modal title="This draft was changed in another window" onClose={() => undefined}>
      <p>{clash.message}</p>
      <p className="studio-quiet">Nothing was overwritten. “−” is the draft as it is now, “+” the draft that your change was made for, with your change.</p>
      <Difference before={clash.theirs} after={clash.yours ?? clash.theirs} />
      <footer className="studio-dialog-foot">
        <button type="button" className="studio-button" data-tone="primary" onClick={() => studio.queue.answer("mine")}>
          Apply my change to it
        </button>
        <button type="button" className="studio-button" onClick={() => studio.queue.answer("theirs")}>
          Discard my change
        </button>
      </footer>
    </Modal>
  );
}

function SaveDialog({ clash }: { clash: SaveClash }) {
  const studio = useStudio();
  if (!clash.etag) return <DeletedDialog />;
  return (
    <Modal title="This workflow was saved since you began your draft">
      <p>Nothing was overwritten. Your draft differs from the file as it is now:</p>
      <ul className="studio-sentences">
        {clash.differences.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
      <Difference before={clash.theirs} after={studio.canvas?.text ?? ""} />
      <footer className="studio-dialog-foot">
        <button type="button" className="studio-button" data-tone="danger" onClick={() => void studio.save(clash.etag)}>
          Overwrite it with my draft
        </button>
        <button type="button" className="studio-button" onClick={() => void studio.discard()}>
          Discard my draft
        </button>
        <button type="button" className="studio-button" data-first onClick={() => studio.open(null)}>
          Decide later
        </button>
      </footer>
    </Modal>
  );
}

function DeletedDialog() {
  const studio = useStudio();
  return (
    <Modal title="The file of this workflow was deleted">
      <p>Your draft is still here.</p>
      <footer className="studio-dialog-foot">
        <button type="button" className="studio-button" data-tone="primary" onClick={() => void studio.save("")}>
          Make the file again from my draft
        </button>
        <button type="button" className="studio-button" data-first onClick={() => studio.open(null)}>
          Decide later
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
    <Modal title={`Note on ${node.step.title}`} onClose={set}>
      <textarea
        data-first
        aria-label="Note"
        rows={5}
        value={text}
        onChange={(event) => studio.open({ kind: "note", key: dialogKey, text: event.target.value })}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) set();
        }}
      />
      <footer className="studio-dialog-foot">
        <button type="button" className="studio-button" data-tone="primary" onClick={set}>
          Keep the note
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
            Remove it
          </button>
        )}
      </footer>
    </Modal>
  );
}

type Item = readonly [Command, string, string] | null;
const EDITS: readonly Item[] = [
  ["add", "Add a step after", "A"],
  ["rename", "Rename", "F2"],
  ["note", "Note", "N"],
  ["connect", "Connect to…", "C"],
  null,
  ["move-up", "Move up", "Alt ↑"],
  ["move-down", "Move down", "Alt ↓"],
  ["group", "Group", "G"],
  ["ungroup", "Dissolve the group", "Shift G"],
  null,
  ["copy", "Copy", "Ctrl C"],
  ["paste", "Paste after", "Ctrl V"],
  ["duplicate", "Duplicate", "Ctrl D"],
  ["remove", "Remove", "Del"],
];
const ON_PANE: readonly Item[] = [
  ["add", "Add a step at the end", "A"],
  ["paste", "Paste", "Ctrl V"],
  ["all", "Select all", "Ctrl A"],
  null,
  ["undo", "Undo", "Ctrl Z"],
  ["redo", "Redo", "Ctrl Y"],
  ["fit", "Show everything", "0"],
];

function Menu({ x, y }: { x: number; y: number }) {
  const studio = useStudio();
  const { run, isEditable } = useSurroundings();
  const menu = useRef<HTMLDivElement>(null);
  const node = studio.selectedNodes[0];
  const all: readonly Item[] = !node ? ON_PANE : node.inner ? [["fold", studio.folded.has(node.key) ? "Unfold" : "Fold", "F"], ...EDITS] : EDITS;
  const items = all.filter((one) => one === null || ((isEditable || ["copy", "fold", "fit", "all"].includes(one[0])) && (one[0] !== "ungroup" || node?.inner)));
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
      aria-label={node ? `Menu of ${studio.selected.size > 1 ? `${studio.selected.size} steps` : node.step.title}` : "Menu of the canvas"}
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
              run(one[0]);
            }}
          >
            {one[1]} <kbd aria-hidden="true">{one[2]}</kbd>
          </button>
        ),
      )}
    </div>
  );
}
