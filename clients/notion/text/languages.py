"""The languages of Notion's code blocks, and their usual names in Markdown."""

from __future__ import annotations

from collections.abc import Mapping

PLAIN = "plain text"
LANGUAGES = frozenset(
    "abap,agda,arduino,ascii art,assembly,bash,basic,bnf,c,c#,c++,clojure,coffeescript,coq,css,dart,dhall,diff,docker,"
    "ebnf,elixir,elm,erlang,f#,flow,fortran,gherkin,glsl,go,graphql,groovy,haskell,hcl,html,idris,java,javascript,json,"
    "julia,kotlin,latex,less,lisp,livescript,llvm ir,lua,makefile,markdown,markup,matlab,mathematica,mermaid,nix,"
    "notion formula,objective-c,ocaml,pascal,perl,php,plain text,powershell,prolog,protobuf,purescript,python,r,racket,"
    "reason,ruby,rust,sass,scala,scheme,scss,shell,smalltalk,solidity,sql,swift,toml,typescript,vb.net,verilog,vhdl,"
    "visual basic,webassembly,xml,yaml,java/c/c++/c#".split(",")
)
"""developers.notion.com, block, code."""
_ALSO_CALLED: Mapping[str, str] = {
    "": PLAIN,
    "cpp": "c++",
    "cs": "c#",
    "csharp": "c#",
    "console": "shell",
    "dockerfile": "docker",
    "fsharp": "f#",
    "golang": "go",
    "js": "javascript",
    "jsx": "javascript",
    "kt": "kotlin",
    "make": "makefile",
    "md": "markdown",
    "objc": "objective-c",
    "proto": "protobuf",
    "ps1": "powershell",
    "py": "python",
    "rb": "ruby",
    "rs": "rust",
    "sh": "shell",
    "terraform": "hcl",
    "tex": "latex",
    "text": PLAIN,
    "ts": "typescript",
    "tsx": "typescript",
    "txt": PLAIN,
    "wasm": "webassembly",
    "yml": "yaml",
    "zsh": "shell",
}


def language_named(name: str) -> str:
    """Return Notion's name for a fence's language; plain text if Notion does not know it."""
    known = name.strip().lower()
    known = _ALSO_CALLED.get(known, known)
    return known if known in LANGUAGES else PLAIN
