// Markdown that people write in notes and descriptions, as elements: HTML in it is text, pictures are their words, and links
// lead to pages and mail addresses only.
import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import { Fragment, memo, type ReactNode } from "react";

const LINK = /^(?:https?:\/\/|mailto:)/i;
const LONGEST = 10_000;
const DEEPEST = 30;

const isDeeper = (tokens: readonly Token[], levels: number): boolean =>
  tokens.some((one) => levels === 0 || isDeeper([...("tokens" in one ? (one.tokens ?? []) : []), ...("items" in one ? (one.items as Token[]) : [])], levels - 1));

// Return what stands in a text; a paragraph if it cannot be read, because of its depth for example.
function read(text: string): Token[] {
  try {
    const tokens = text.length <= LONGEST ? new Lexer({ gfm: true, breaks: true }).lex(text) : null;
    if (tokens && !isDeeper(tokens, DEEPEST)) return tokens;
  } catch {
    // It is shown as it is written.
  }
  return [{ type: "paragraph", raw: text, text, tokens: [{ type: "text", raw: text, text, escaped: false }] } as Tokens.Paragraph];
}

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return <div className="studio-markdown">{all(read(text))}</div>;
});

// Return the words of a text without its marks, in one line.
export const plainOf = (text: string): string => wordsOf(read(text)).replace(/\s+/g, " ").trim();

const all = (tokens: readonly Token[] | undefined): ReactNode[] => (tokens ?? []).map((one, index) => <Fragment key={index}>{shown(one as MarkedToken)}</Fragment>);

function shown(token: MarkedToken): ReactNode {
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "paragraph":
      return <p>{all(token.tokens)}</p>;
    case "heading":
      return headed(token);
    case "strong":
      return <strong>{all(token.tokens)}</strong>;
    case "em":
      return <em>{all(token.tokens)}</em>;
    case "del":
      return <del>{all(token.tokens)}</del>;
    case "codespan":
      return <code>{token.text}</code>;
    case "code":
      return (
        <pre>
          <code>{token.text}</code>
        </pre>
      );
    case "blockquote":
      return <blockquote>{all(token.tokens)}</blockquote>;
    case "list":
      return listed(token);
    case "link":
      return linked(token);
    case "image":
      return token.text;
    case "br":
      return <br />;
    case "hr":
      return <hr />;
    case "text":
      return "tokens" in token && token.tokens ? all(token.tokens) : token.text;
    case "escape":
      return token.text;
    default:
      return token.raw; // HTML, and tables
  }
}

// The page has headings of its own above.
function headed({ depth, tokens }: Tokens.Heading): ReactNode {
  const Heading = `h${Math.min(6, depth + 3)}` as "h4" | "h5" | "h6";
  return <Heading>{all(tokens)}</Heading>;
}

function listed({ ordered, start, items }: Tokens.List): ReactNode {
  const rows = items.map((one, index) => <li key={index}>{all(one.tokens)}</li>);
  return ordered ? <ol start={start === "" ? undefined : start}>{rows}</ol> : <ul>{rows}</ul>;
}

// A link is its whole address, so that no words can hide where it leads; they stay beside it.
function linked({ href, tokens }: Tokens.Link): ReactNode {
  const words = wordsOf(tokens).trim();
  const address = href.replace(/^mailto:/i, "");
  const label = words && words !== address && words !== href ? <>{all(tokens)} </> : null;
  if (!LINK.test(href)) return href === words ? words : <>{label}({href})</>;
  return (
    <>
      {label}
      <a href={href} target="_blank" rel="noopener noreferrer nofollow" onClick={(event) => event.stopPropagation()}>
        {address}
      </a>
    </>
  );
}

function wordsOf(tokens: readonly Token[]): string {
  return tokens
    .map((one) => {
      const token = one as MarkedToken;
      if (token.type === "list") return token.items.map((item) => `${wordsOf(item.tokens)} `).join("");
      if ("tokens" in token && token.tokens) return `${wordsOf(token.tokens)}${["paragraph", "heading", "blockquote"].includes(token.type) ? " " : ""}`;
      return token.type === "br" || token.type === "space" || token.type === "hr" ? " " : "text" in token ? token.text : token.raw;
    })
    .join("");
}
