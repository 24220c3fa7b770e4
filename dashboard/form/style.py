"""The style of the page of a form."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --text: #1f2430; --soft: #565d6c; --page: #f4f5f8; --card: #fff; --line: #8b92a1;
  --edge: #dfe2e8; --strong: #4f46e5; --on-strong: #fff; --bad: #b42318; --bad-back: #fef3f2; --good: #067647; }
@media (prefers-color-scheme: dark) { :root { --text: #e8eaf0; --soft: #a9b0c0; --page: #14161c; --card: #1d2029;
  --line: #6b7284; --edge: #2c313d; --strong: #a5a0ff; --on-strong: #13151b; --bad: #ff9d92; --bad-back: #3a1f1d;
  --good: #6ce0a6; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; padding: 2rem 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { width: 100%; max-width: 40rem; margin: 0 auto; padding: 2rem; background: var(--card);
  border: 1px solid var(--edge); border-radius: .75rem; }
@media (max-width: 30rem) { body { padding: 0; background: var(--card); }
  main { padding: 1.5rem 1rem 2rem; border: 0; border-radius: 0; } }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; }
.intro { margin: 0 0 1.5rem; white-space: pre-line; color: var(--soft); }
.note { margin: 0 0 1.5rem; font-size: .875rem; color: var(--soft); }
.box { margin: 0 0 1.5rem; padding: .75rem 1rem; color: var(--bad); background: var(--bad-back);
  border-left: 4px solid var(--bad); border-radius: .25rem; }
.box p { margin: 0; } .box ul { margin: .5rem 0 0; padding-left: 1.25rem; }
.box ul + p { margin-top: .5rem; } .box a { color: inherit; }
.field { margin: 0 0 1.25rem; }
label, .label { display: block; font-weight: 600; }
.mark { color: var(--soft); font-weight: 400; }
.hint { margin: .125rem 0 0; font-size: .875rem; color: var(--soft); white-space: pre-line; }
.error { margin: .25rem 0 0; font-size: .875rem; font-weight: 600; color: var(--bad); }
input, textarea, select { display: block; width: 100%; min-height: 2.75rem; margin-top: .375rem; padding: .5rem .75rem;
  font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
textarea { min-height: 9rem; resize: vertical; }
input[type=file] { padding: .5rem; } input[type=number], input[type=date] { max-width: 14rem; }
[aria-invalid=true] { border: 2px solid var(--bad); }
.check { display: flex; gap: .625rem; align-items: flex-start; }
.check input { flex: none; width: 1.25rem; height: 1.25rem; min-height: 0; margin: .125rem 0 0;
  accent-color: var(--strong); }
button { width: 100%; min-height: 3rem; margin-top: .5rem; padding: .75rem; font: inherit; font-weight: 600;
  color: var(--on-strong); background: var(--strong); border: 0; border-radius: .5rem; cursor: pointer; }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 2px; }
.trap { position: absolute; left: -100vw; width: 1px; height: 1px; overflow: hidden; }
.thanks { margin: 0; white-space: pre-line; }
h1.done::before { content: "✓ "; color: var(--good); }
"""
