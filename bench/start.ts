/** Cold start of `dev` to the first good response, with two services. */
import { type Contender, type ContenderId, contenders } from "./lib/contenders.ts";
import { Client, freePort, until } from "./lib/http.ts";
import { type Check, milliseconds, ratio, type Section } from "./lib/report.ts";
import { interleave } from "./lib/stats.ts";
import { type BenchWorkspace, starWorkspace } from "./lib/workspace.ts";
import type { BenchOptions } from "./run.ts";

export default async function start(options: BenchOptions): Promise<Section> {
  const workspace = starWorkspace(2, "hello");
  try {
    const tasks = new Map<ContenderId, () => Promise<number>>(
      contenders(options.only).map((contender) => [contender.id, () => coldStart(contender, workspace)]),
    );
    for (const task of tasks.values()) await task();
    const figures = await interleave(options.runs ?? 9, tasks);
    const [troupe, wrangler, miniflare] = [figures.get("troupe"), figures.get("wrangler"), figures.get("miniflare")];
    const checks: Check[] = [];
    if (troupe && wrangler) {
      checks.push({
        what: "dev cold start, beside Wrangler",
        value: troupe.median / wrangler.median,
        limit: 0.35,
        unit: " ×",
      });
    }
    return {
      name: "start",
      title: "Cold start to first response",
      header: ["", "troupe", "Wrangler", "bare Miniflare", "troupe / Wrangler", "troupe / Miniflare"],
      rows: [
        [
          "2 services",
          milliseconds(troupe),
          milliseconds(wrangler),
          milliseconds(miniflare),
          ratio(troupe, wrangler),
          ratio(troupe, miniflare),
        ],
      ],
      checks,
    };
  } finally {
    workspace.remove();
  }
}

async function coldStart(contender: Contender, workspace: BenchWorkspace): Promise<number> {
  const port = await freePort();
  const client = new Client(port);
  const startedAt = performance.now();
  const child = contender.dev(workspace, port);
  try {
    await until(client, child, (answer) => answer.status === 200 && answer.body === "hello", { pause: 5 });
    return performance.now() - startedAt;
  } finally {
    client.close();
    await child.stop();
  }
}
