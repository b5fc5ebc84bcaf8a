/** npm run bench -- [name…] [--runs N] [--only troupe,wrangler,miniflare] */
import { parseArgs } from "node:util";
import type { ContenderId } from "./lib/contenders.ts";
import { machine, passes, printSection, type Section, saveSection } from "./lib/report.ts";

export interface BenchOptions {
  /** Rounds of each figure, over the bench's own default. */
  runs?: number;
  only?: ContenderId[];
}

type Bench = (options: BenchOptions) => Promise<Section>;

/** The table that `npm run bench` alone makes comes first. */
const BENCHES: Record<string, { main: boolean; load(): Promise<{ default: Bench }> }> = {
  commands: { main: true, load: () => import("./commands.ts") },
  start: { main: true, load: () => import("./start.ts") },
  save: { main: true, load: () => import("./save.ts") },
  reloads: { main: false, load: () => import("./reloads.ts") },
  calls: { main: false, load: () => import("./calls.ts") },
  bindings: { main: false, load: () => import("./bindings.ts") },
  serve: { main: false, load: () => import("./serve.ts") },
  deploy: { main: false, load: () => import("./deploy.ts") },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string" }, only: { type: "string" } },
});

const names = positionals.includes("all")
  ? Object.keys(BENCHES)
  : positionals.length > 0
    ? positionals
    : Object.keys(BENCHES).filter((name) => BENCHES[name]!.main);
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`No bench "${unknown.join('", "')}". There are: ${Object.keys(BENCHES).join(", ")}, all`);
  process.exit(2);
}
const options: BenchOptions = {
  ...(values.runs && { runs: Number(values.runs) }),
  ...(values.only && { only: values.only.split(",") as ContenderId[] }),
};
/** Fewer rounds or fewer contenders are for a first look: they don't replace the record. */
const isComplete = options.runs === undefined && options.only === undefined;

console.log(machine());
let failed = false;
for (const name of names) {
  const { default: bench } = await BENCHES[name]!.load();
  const section = await bench(options);
  printSection(section);
  if (isComplete) saveSection(section, new Date());
  failed ||= !section.checks.every(passes);
}
process.exit(failed ? 1 : 0);
