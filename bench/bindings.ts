/** How long `troupe bindings` takes on a workspace of 50 services, over Node's own start. */
import { contenders, TROUPE_BIN } from "./lib/contenders.ts";
import { startNode, timeNode } from "./lib/processes.ts";
import { milliseconds, type Section } from "./lib/report.ts";
import { interleave } from "./lib/stats.ts";
import { bindingName, starWorkspace } from "./lib/workspace.ts";
import type { BenchOptions } from "./run.ts";

const SERVICES = 50;

export default async function bindings(options: BenchOptions): Promise<Section> {
  contenders(["troupe"]);
  const workspace = starWorkspace(SERVICES, "hello");
  try {
    const command = [TROUPE_BIN, "bindings", "--json"];
    const trial = startNode(command, { cwd: workspace.root });
    await trial.exited;
    if (!trial.output().includes(bindingName(`service-${SERVICES}`)))
      throw new Error(`troupe bindings failed:\n${trial.output()}`);
    const figures = await interleave(
      options.runs ?? 15,
      new Map([
        ["node", () => timeNode(["-e", "0"])],
        ["bindings", () => timeNode(command, workspace.root)],
      ]),
    );
    const [node, own] = [figures.get("node")!, figures.get("bindings")!];
    return {
      name: "bindings",
      title: `troupe bindings on ${SERVICES} services`,
      header: ["", "troupe bindings", "node -e 0", "over Node's start"],
      rows: [
        [`${SERVICES} services`, milliseconds(own), milliseconds(node), `${(own.median - node.median).toFixed(0)} ms`],
      ],
      checks: [{ what: "over Node's own start", value: (own.median - node.median) / 1000, limit: 0.5, unit: " s" }],
    };
  } finally {
    workspace.remove();
  }
}
