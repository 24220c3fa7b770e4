// The words of an answer: plain text with paragraphs, lists, code and bold. Nothing is loaded, and links lead to own pages only.
import { Fragment, type ReactNode } from "react";

import { said } from "../language";

// Return whether an address is a page of this dashboard.
export const isOwn = (href: string): boolean => /^(\/(?![/\\])|\?)/.test(href);

const PIECE = /`([^`]+)`|\*\*([^*]+)\*\*|!?\[([^\]]*)\]\(([^)\s]*)\)/g;

export function inline(text: string): ReactNode[] {
  const found: ReactNode[] = [];
  let from = 0;
  for (const piece of text.matchAll(PIECE)) {
    const [whole, code, bold, label, href] = piece;
    found.push(text.slice(from, piece.index));
    from = piece.index + whole.length;
    if (code !== undefined) found.push(<code>{code}</code>);
    else if (bold !== undefined) found.push(<b>{bold}</b>);
    else found.push(isOwn(href ?? "") && !whole.startsWith("!") ? <a href={href}>{label}</a> : label);
  }
  return [...found, text.slice(from)];
}

const ITEM = /^(\s*)[-*] (.*)$/;

// Return the lines of a text, items without their dash: `said` is asked for each.
export const linesOf = (text: string): string[] => text.trim().split("\n").map((line) => ITEM.exec(line)?.[2] ?? line);

export function Prose({ text }: { text: string }) {
  return (
    <div className="copilot-prose">
      {text
        .trim()
        .split("\n")
        .map((line, index) => {
          const item = ITEM.exec(line);
          const pieces = inline(said(item?.[2] ?? line)).map((one, place) => <Fragment key={place}>{one}</Fragment>);
          if (!line.trim()) return null;
          return (
            <p key={index} className={item ? "copilot-item" : undefined} style={item ? { marginInlineStart: `${item[1]!.length / 2 + 1.25}em` } : undefined}>
              {pieces}
            </p>
          );
        })}
    </div>
  );
}
