import { bindingsGraph, type GraphData } from "../../ops/bindings-graph.ts";
import { renderDot, renderGraphText, renderMermaid, renderSvg } from "../../output/graph.ts";
import type { Command } from "../command.ts";

const FORMATS = ["text", "mermaid", "dot", "json", "svg"] as const;

interface GraphArgs {
  format: (typeof FORMATS)[number];
  affectedBy?: string;
}

/** The graph, and the picture of it when the format is one that takes work to draw. */
type Result = GraphData & { svg?: string };

const command: Command<GraphArgs, Result> = {
  args: {
    format: { choices: FORMATS, default: "text", alias: "f", describe: "How to draw it" },
    "affected-by": { type: "string", describe: "List everything that a change of this service would reach" },
  },
  examples: [
    ["troupe bindings graph --format mermaid", "For a README"],
    ["troupe bindings graph --affected-by auth", "What to test after a change"],
  ],
  async run(args, context) {
    const graph = await bindingsGraph({ ...args, cwd: context.cwd, processEnv: context.env });
    return args.format === "svg" ? { ...graph, svg: await renderSvg(graph) } : graph;
  },
  show(graph, output, { format }) {
    if (format === "svg") output.line(graph.svg);
    else if (format === "mermaid") output.line(renderMermaid(graph));
    else if (format === "dot") output.line(renderDot(graph));
    else if (format === "json") output.line(JSON.stringify(graph, null, 2));
    else renderGraphText(graph, output);
  },
};

export default command;
