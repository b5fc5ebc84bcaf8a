/** From saving a file to the first response of the new code, with 2 and 10 services. */
import { type ContenderId, contenders } from "./lib/contenders.ts";
import { Client, freePort, until } from "./lib/http.ts";
import { type Child, delay } from "./lib/processes.ts";
import { type Check, milliseconds, ratio, type Section } from "./lib/report.ts";
import { interleave, type Samples } from "./lib/stats.ts";
import { type BenchWorkspace, saveMessage, starWorkspace } from "./lib/workspace.ts";
import type { BenchOptions } from "./run.ts";

/** esbuild's watcher rebuilds in a loop while a file is younger than about 3 s. */
const SETTLE = 3200;

export default async function save(options: BenchOptions): Promise<Section> {
  const rows: string[][] = [];
  const checks: Check[] = [];
  for (const count of [2, 10]) {
    const figures = await saveToResponse(count, options);
    const [troupe, wrangler, miniflare] = [figures.get("troupe"), figures.get("wrangler"), figures.get("miniflare")];
    rows.push([
      `${count} services`,
      milliseconds(troupe),
      milliseconds(wrangler),
      milliseconds(miniflare),
      ratio(troupe, wrangler),
      ratio(troupe, miniflare),
    ]);
    if (troupe && wrangler) {
      checks.push({
        what: `save to response with ${count} services, beside Wrangler`,
        value: troupe.median / wrangler.median,
        limit: 0.35,
        unit: " ×",
      });
    }
  }
  return {
    name: "save",
    title: "Save to new response",
    header: ["", "troupe", "Wrangler", "bare Miniflare", "troupe / Wrangler", "troupe / Miniflare"],
    rows,
    checks,
  };
}

/** All contenders run at once, each on files of its own; between saves all of them are idle. */
async function saveToResponse(count: number, options: BenchOptions): Promise<Map<ContenderId, Samples>> {
  const stages: { id: ContenderId; workspace: BenchWorkspace; client: Client; child: Child }[] = [];
  try {
    for (const contender of contenders(options.only)) {
      const workspace = starWorkspace(count, "first");
      const port = await freePort();
      const stage = { id: contender.id, workspace, client: new Client(port), child: contender.dev(workspace, port) };
      stages.push(stage);
      await until(stage.client, stage.child, (answer) => answer.body === "first", { pause: 20 });
    }
    await delay(SETTLE);

    let saves = 0;
    const tasks = new Map(
      stages.map(({ id, workspace, client, child }) => [
        id,
        async () => {
          const message = `message ${++saves}`;
          const startedAt = performance.now();
          saveMessage(workspace, message);
          await until(client, child, (answer) => answer.status === 200 && answer.body === message);
          const elapsed = performance.now() - startedAt;
          await delay(SETTLE);
          return elapsed;
        },
      ]),
    );
    for (const task of tasks.values()) await task();
    return await interleave(options.runs ?? 9, tasks);
  } finally {
    for (const { client, child, workspace } of stages) {
      client.close();
      await child.stop();
      workspace.remove();
    }
  }
}
