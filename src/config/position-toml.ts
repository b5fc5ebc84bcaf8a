import { type AST, parseTOML } from "toml-eslint-parser";
import type { Place, Span } from "./position.ts";

/** Every key, table header and array element of a TOML text. */
export function placesIn(text: string): Place[] {
  const places: Place[] = [];
  const [top] = parseTOML(text).body;
  for (const node of top.body) {
    if (node.type === "TOMLTable") {
      const header = span(node.key);
      addParents(node.resolvedKey, header);
      places.push({ path: node.resolvedKey, key: header, value: header });
      for (const pair of node.body) keyValue(pair, node.resolvedKey);
    } else {
      keyValue(node, []);
    }
  }
  return places;

  /** `[env.staging.vars]` alone makes `env` and `env.staging` too. */
  function addParents(path: (string | number)[], header: Span): void {
    for (let depth = 1; depth < path.length; depth++) {
      places.push({ path: path.slice(0, depth), key: header, value: header, implied: true });
    }
  }

  function keyValue({ key, value }: AST.TOMLKeyValue, parent: (string | number)[]): void {
    const names = key.keys.map((part) => (part.type === "TOMLBare" ? part.name : part.value));
    const path = [...parent, ...names];
    const keySpan = span(key);
    addParents(path, keySpan);
    const scalar = value.type === "TOMLValue";
    places.push({ path, key: keySpan, value: scalar ? span(value) : keySpan });
    content(value, path);
  }

  function content(value: AST.TOMLContentNode, path: (string | number)[]): void {
    if (value.type === "TOMLInlineTable") for (const pair of value.body) keyValue(pair, path);
    if (value.type !== "TOMLArray") return;
    value.elements.forEach((element, index) => {
      const below = [...path, index];
      places.push({ path: below, key: span(element), value: span(element) });
      content(element, below);
    });
  }
}

function span({ loc: { start, end } }: { loc: AST.SourceLocation }): Span {
  // The parser counts columns from 0.
  return {
    line: start.line,
    column: start.column + 1,
    ...(start.line === end.line && { length: end.column - start.column }),
  };
}
