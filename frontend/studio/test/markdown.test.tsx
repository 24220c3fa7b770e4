import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";

import { Markdown, plainOf } from "../src/Markdown";

const html = (text: string): string => renderToStaticMarkup(<Markdown text={text} />).replace(/^<div class="studio-markdown">(.*)<\/div>$/s, "$1");
const REL = 'target="_blank" rel="noopener noreferrer nofollow"';
const LINK = (address: string): string => `<a href="${address}" ${REL}>${address}</a>`;

test.each([
  ["**bold**, *italic*, `code`", "<p><strong>bold</strong>, <em>italic</em>, <code>code</code></p>"],
  ["# Title\n## Part", "<h4>Title</h4><h5>Part</h5>"],
  ["- one\n- two", "<ul><li>one</li><li>two</li></ul>"],
  ["3. three\n4. four", '<ol start="3"><li>three</li><li>four</li></ol>'],
  ["> quoted", "<blockquote><p>quoted</p></blockquote>"],
  ["two\nlines", "<p>two<br/>lines</p>"],
  ["```\na < b\n```", "<pre><code>a &lt; b</code></pre>"],
  ["[docs](https://example.org/a)", `<p>docs <a href="https://example.org/a" ${REL}>https://example.org/a</a></p>`],
  ["[https://bank.example](https://evil.example)", `<p>https://bank.example ${LINK("https://evil.example")}</p>`],
  ["https://example.org/a", `<p>${LINK("https://example.org/a")}</p>`],
  ["[docs](page.md)", "<p>docs (page.md)</p>"],
  ["<ann@example.org>", `<p><a href="mailto:ann@example.org" ${REL}>ann@example.org</a></p>`],
])("%s", (text, expected) => {
  expect(html(text)).toBe(expected);
});

test.each([
  "<script>alert(1)</script>",
  "a <img src=x onerror=alert(1)> b",
  "<b onclick=x>b</b>",
  "![a picture](https://example.org/a.png)",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt&colon;alert(1))",
  "[x](data:text/html,<b>)",
  "[x](//example.org)",
  "[x]( \u0001javascript:alert(1))",
  '[x](https://example.org/"onmouseover="alert(1))',
  "[a]: javascript:alert(1)\n\n[a]",
])("nothing of a text is loaded or run: %s", (text) => {
  const found = html(text);
  const tags = [...found.matchAll(/<([a-z0-9]+)((?: [a-z]+="[^"]*")*)\/?>/g)];
  for (const [, tag, attributes] of tags) {
    expect(["p", "a", "br", "code", "pre"]).toContain(tag);
    for (const [, name, value] of attributes!.matchAll(/ ([a-z]+)="([^"]*)"/g)) {
      expect(["href", "title", "target", "rel"]).toContain(name);
      if (name === "href") expect(value).toMatch(/^(https?:\/\/|mailto:)/);
    }
  }
});

test("a text that is too deep or too long is shown as it is written", () => {
  const deep = `${">".repeat(9_000)} x`;
  expect(html(deep)).toContain("&gt;&gt;");
  expect(html(`${"> ".repeat(100)} x`)).toContain("&gt; &gt;");
  const long = `**a** ${"b ".repeat(20_000)}`;
  expect(html(long)).toContain("**a**");
});

test("the words of a text without its marks", () => {
  expect(plainOf("# Ask **Ann**\n\n- first, [docs](https://example.org)\n- `second`")).toBe("Ask Ann first, docs second");
});
