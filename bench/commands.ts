/** How long `--version` and `--help` take, beside Node doing nothing. */
import { contenders, TROUPE_BIN, WRANGLER_BIN } from "./lib/contenders.ts";
import { timeNode } from "./lib/processes.ts";
import { type Check, milliseconds, ratio, type Section } from "./lib/report.ts";
import { interleave } from "./lib/stats.ts";
import type { BenchOptions } from "./run.ts";

export default async function commands(options: BenchOptions): Promise<Section> {
  const bins = new Map(
    contenders(options.only).flatMap(({ id }) =>
      id === "miniflare" ? [] : [[id, id === "troupe" ? TROUPE_BIN : WRANGLER_BIN] as const],
    ),
  );
  const flags = ["--version", "--help"];
  const tasks = new Map([["node", () => timeNode(["-e", "0"])]]);
  for (const flag of flags) for (const [id, bin] of bins) tasks.set(`${id} ${flag}`, () => timeNode([bin, flag]));

  // Once outside the figures, so that every file is in the page cache.
  for (const task of tasks.values()) await task();
  const figures = await interleave(options.runs ?? 15, tasks);
  const base = figures.get("node")!;

  const checks: Check[] = [];
  for (const [flag, limit] of [
    ["--version", 3],
    ["--help", 5],
  ] as const) {
    const troupe = figures.get(`troupe ${flag}`);
    if (troupe)
      checks.push({ what: `troupe ${flag}, beside node -e 0`, value: troupe.median / base.median, limit, unit: " ×" });
  }
  return {
    name: "commands",
    title: "Commands",
    header: ["", "troupe", "Wrangler", "node -e 0", "troupe / node", "Wrangler / node", "troupe / Wrangler"],
    rows: flags.map((flag) => {
      const [troupe, wrangler] = [figures.get(`troupe ${flag}`), figures.get(`wrangler ${flag}`)];
      return [
        flag,
        milliseconds(troupe),
        milliseconds(wrangler),
        milliseconds(base),
        ratio(troupe, base),
        ratio(wrangler, base),
        ratio(troupe, wrangler),
      ];
    }),
    checks,
  };
}
