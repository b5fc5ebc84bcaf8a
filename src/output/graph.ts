/** The graph of services as text, Mermaid, Graphviz and SVG. */
import type { GraphData } from "../ops/bindings-graph.ts";
import type { Output } from "./output.ts";

/** Blocks for people: a service, what it binds, and who depends on it. */
export function renderGraphText(graph: GraphData, output: Output): void {
  const { style } = output;
  if (graph.affected) {
    output.line(style.bold("A change would reach"));
    for (const id of graph.affected) output.line(`  ${id}`);
    return;
  }
  for (const node of graph.nodes) {
    const marks = [node.private ? "private" : "", node.missing ? "missing" : ""].filter(Boolean).join(", ");
    output.line(
      `${style.bold(node.service)}${style.dim(`@${node.environment}`)}${marks ? ` ${style.yellow(marks)}` : ""}`,
    );
    for (const edge of graph.edges.filter((candidate) => candidate.from === node.id)) {
      const entrypoint = edge.entrypoint ? ` (${edge.entrypoint})` : "";
      output.line(
        `  ${edge.binding} → ${edge.to}${entrypoint} ${style.dim(edge.why)}${edge.missing ? ` ${style.yellow("missing")}` : ""}`,
      );
    }
    const dependents = graph.boundBy[node.id] ?? [];
    if (dependents.length > 0) output.line(`  ${style.dim("Bound by")} ${dependents.join(", ")}`);
  }
  for (const cycle of graph.cycles) output.line(`${style.yellow("cycle")} ${[...cycle, cycle[0]].join(" → ")}`);
}

/** https://mermaid.js.org/syntax/flowchart.html */
export function renderMermaid(graph: GraphData): string {
  const names = new Map(graph.nodes.map((node, index) => [node.id, `n${index}`]));
  const quoted = (text: string) => `"${text.replace(/"/g, "#quot;")}"`;
  const lines = ["flowchart LR"];
  for (const node of graph.nodes)
    lines.push(`  ${names.get(node.id)}[${quoted(node.id)}]${node.missing ? ":::missing" : ""}`);
  for (const edge of graph.edges)
    lines.push(`  ${names.get(edge.from)} -->|${quoted(edgeLabel(edge))}| ${names.get(edge.to)}`);
  if (graph.nodes.some((node) => node.missing)) lines.push("  classDef missing stroke-dasharray: 5 5");
  return lines.join("\n");
}

/** https://graphviz.org/doc/info/lang.html */
export function renderDot(graph: GraphData): string {
  const quoted = (text: string) => JSON.stringify(text);
  const lines = ["digraph services {", "  rankdir=LR;", "  node [shape=box, style=rounded];"];
  for (const node of graph.nodes) lines.push(`  ${quoted(node.id)}${node.missing ? " [style=dashed]" : ""};`);
  for (const edge of graph.edges)
    lines.push(`  ${quoted(edge.from)} -> ${quoted(edge.to)} [label=${quoted(edgeLabel(edge))}];`);
  return [...lines, "}"].join("\n");
}

function edgeLabel(edge: GraphData["edges"][number]): string {
  return edge.entrypoint ? `${edge.binding}: ${edge.entrypoint}` : edge.binding;
}

const CHAR = 7.4;
const HEIGHT = 36;

/** A picture that opens in any browser. Laid out by dagre (layered, left to right). */
export async function renderSvg(graph: GraphData): Promise<string> {
  const { default: dagre } = await import("@dagrejs/dagre");
  const layout = new dagre.graphlib.Graph({ multigraph: true }).setGraph({
    rankdir: "LR",
    nodesep: 28,
    ranksep: 90,
    marginx: 16,
    marginy: 16,
  });
  for (const node of graph.nodes) layout.setNode(node.id, { width: node.id.length * CHAR + 28, height: HEIGHT });
  graph.edges.forEach((edge, index) => {
    layout.setEdge(edge.from, edge.to, { width: edgeLabel(edge).length * 6, height: 16, labelpos: "c" }, String(index));
  });
  dagre.layout(layout);
  const size = layout.graph() as { width?: number; height?: number };
  const text = (value: string) => value.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
  const parts: string[] = [];
  graph.edges.forEach((edge, index) => {
    const laid = layout.edge({ v: edge.from, w: edge.to, name: String(index) }) as {
      points: { x: number; y: number }[];
      x?: number;
      y?: number;
    };
    const path = laid.points
      .map((point, at) => `${at === 0 ? "M" : "L"}${point.x.toFixed(1)} ${point.y.toFixed(1)}`)
      .join(" ");
    parts.push(
      `<path d="${path}" fill="none" stroke="#667" marker-end="url(#arrow)"${edge.missing ? ' stroke-dasharray="5 4"' : ""}/>`,
    );
    const middle = laid.points[Math.floor(laid.points.length / 2)]!;
    parts.push(
      `<text x="${(laid.x ?? middle.x).toFixed(1)}" y="${((laid.y ?? middle.y) - 4).toFixed(1)}" text-anchor="middle" class="edge">${text(edgeLabel(edge))}</text>`,
    );
  });
  for (const node of graph.nodes) {
    const { x, y, width, height } = layout.node(node.id) as { x: number; y: number; width: number; height: number };
    const dash = node.missing ? ' stroke-dasharray="5 4"' : "";
    parts.push(
      `<rect x="${(x - width / 2).toFixed(1)}" y="${(y - height / 2).toFixed(1)}" width="${width.toFixed(1)}" height="${height}" rx="8" fill="${node.private ? "#eef" : "#fff"}" stroke="#334"${dash}/>`,
      `<text x="${x.toFixed(1)}" y="${(y + 4.5).toFixed(1)}" text-anchor="middle">${text(node.id)}</text>`,
    );
  }
  const width = Math.ceil(size.width ?? 0);
  const height = Math.ceil(size.height ?? 0);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><style>text{font:13px ui-monospace,monospace;fill:#223}.edge{font-size:11px;fill:#556}</style><defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="#667"/></marker></defs>${parts.join("")}</svg>`;
}
