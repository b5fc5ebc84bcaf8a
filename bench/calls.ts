/** What a call to another service costs, by depth, as fetch and as RPC, and what it costs without one process for all. */
import { bareMiniflare, CONTENDERS, contenders } from "./lib/contenders.ts";
import { Client, freePort, until } from "./lib/http.ts";
import type { Child } from "./lib/processes.ts";
import type { Check, Section } from "./lib/report.ts";
import { interleave, pairedRatio, type Samples, summarise } from "./lib/stats.ts";
import { type BenchWorkspace, writeWorkspace } from "./lib/workspace.ts";
import type { BenchOptions } from "./run.ts";

const DEPTHS = [1, 2, 3, 4, 5];
const KINDS = ["fetch", "rpc"] as const;
/** How long one sample may take, ms: decides how many calls it makes. Short, so that a pair sees the same weather. */
const SAMPLE = 40;

interface Stage {
  id: string;
  title: string;
  kinds: readonly (typeof KINDS)[number][];
  client: Client;
  children: Child[];
  workspace: BenchWorkspace;
}

export default async function calls(options: BenchOptions): Promise<Section> {
  const stages: Stage[] = [];
  try {
    for (const start of [oneProcess("troupe"), oneProcess("miniflare"), twoWrangler, twoWorkerd]) {
      const stage = await start(options);
      if (!stage) continue;
      stages.push(stage);
      for (const kind of stage.kinds) await reaches(stage, kind);
    }
    const tasks = new Map<string, () => Promise<number>>();
    for (const depth of DEPTHS) {
      for (const kind of KINDS) {
        for (const stage of stages.filter((each) => each.kinds.includes(kind))) {
          const calibration = await calibrate(stage, kind, depth);
          tasks.set(`${stage.id} ${kind} ${depth}`, () => sample(stage, kind, depth, calibration));
        }
      }
    }
    return report(stages, await interleave(options.runs ?? 45, tasks));
  } finally {
    for (const { client, children, workspace } of stages) {
      client.close();
      for (const child of children) await child.stop();
      workspace.remove();
    }
  }
}

interface Calibration {
  /** Calls in one sample. */
  times: number;
  /** Milliseconds of a request that makes no call. */
  empty: number;
}

/** Microseconds a call, measured from outside: many calls in one request, less a request that makes none. */
async function sample(stage: Stage, kind: string, depth: number, { times, empty }: Calibration): Promise<number> {
  return (((await ask(stage, kind, depth, times)) - empty) * 1000) / times;
}

async function ask(stage: Stage, kind: string, depth: number, count: number): Promise<number> {
  const startedAt = performance.now();
  const { status, body } = await stage.client.get(`/?kind=${kind}&depth=${depth}&times=${count}`);
  if (status !== 200 || body !== `made ${count}`) throw new Error(`${stage.title}: ${status} ${body.slice(0, 500)}`);
  return performance.now() - startedAt;
}

/** The quickest empty request of several: one that had to wait for the processor would be taken off every sample. */
async function calibrate(stage: Stage, kind: string, depth: number): Promise<Calibration> {
  await ask(stage, kind, depth, 100);
  const empties: number[] = [];
  while (empties.length < 20) empties.push(await ask(stage, kind, depth, 0));
  const empty = Math.min(...empties);
  const each = await sample(stage, kind, depth, { times: 100, empty });
  return { times: Math.max(5, Math.min(5000, Math.round((SAMPLE * 1000) / each))), empty };
}

/** Waits until the whole chain answers: processes find each other a moment after they are ready. */
async function reaches(stage: Stage, kind: string): Promise<void> {
  const path = `/?kind=${kind}&depth=${DEPTHS.at(-1)}&times=1`;
  await until(stage.client, stage.children[0]!, (answer) => answer.body === "made 1", { path, pause: 50 });
}

/** A chain of services in one process. */
function oneProcess(id: "troupe" | "miniflare") {
  return async (options: BenchOptions): Promise<Stage | undefined> => {
    if (options.only && !options.only.includes(id)) return undefined;
    const [contender] = contenders([id]);
    const workspace = chainWorkspace();
    const port = await freePort();
    const child = contender!.dev(workspace, port);
    const client = new Client(port);
    return { id, title: contender!.title, kinds: KINDS, client, children: [child], workspace };
  };
}

/** The same chain over two `wrangler dev`: each call goes from one process to the other. */
async function twoWrangler(options: BenchOptions): Promise<Stage | undefined> {
  if (options.only && !options.only.includes("wrangler")) return undefined;
  const wrangler = CONTENDERS.find((contender) => contender.id === "wrangler")!;
  const workspace = chainWorkspace();
  const configs = workspace.services.map((service) => service.config);
  const [even, odd] = [0, 1].map((rest) => configs.filter((_, index) => index % 2 === rest));
  const [port, otherPort] = [await freePort(), await freePort()];
  const other = wrangler.dev(workspace, otherPort, odd!);
  const otherClient = new Client(otherPort);
  await until(otherClient, other, (answer) => answer.status < 500, { pause: 50 });
  otherClient.close();
  const child = wrangler.dev(workspace, port, even!);
  const title = `two processes: ${wrangler.title}`;
  return { id: "two-wrangler", title, kinds: KINDS, client: new Client(port), children: [child, other], workspace };
}

/** Two workerd processes that call each other's socket with plain HTTP. There is no RPC over that. */
async function twoWorkerd(options: BenchOptions): Promise<Stage | undefined> {
  if (options.only && !options.only.includes("miniflare")) return undefined;
  const [port, otherPort] = [await freePort(), await freePort()];
  const files = { "src/index.ts": CHAIN_SOURCE };
  const workspace = writeWorkspace([
    { name: "here", config: { vars: { NEXT_URL: `http://127.0.0.1:${otherPort}/` } }, files },
    { name: "there", config: { vars: { NEXT_URL: `http://127.0.0.1:${port}/` } }, files },
  ]);
  const [here, there] = workspace.services;
  const other = bareMiniflare(workspace, [there!.config], ["--direct", String(otherPort)]);
  const child = bareMiniflare(workspace, [here!.config], ["--direct", String(port)]);
  const title = "two processes: workerd, plain HTTP";
  return { id: "two-workerd", title, kinds: ["fetch"], client: new Client(port), children: [child, other], workspace };
}

function chainWorkspace(): BenchWorkspace {
  const names = Array.from({ length: DEPTHS.at(-1)! + 1 }, (_, index) => `link-${index}`);
  return writeWorkspace(
    names.map((name, index) => {
      const next = names[index + 1];
      return {
        name,
        config: next ? { services: [{ binding: "NEXT", service: next }] } : {},
        files: { "src/index.ts": CHAIN_SOURCE },
      };
    }),
  );
}

const CHAIN_SOURCE = `import { WorkerEntrypoint } from "cloudflare:workers";

export default class extends WorkerEntrypoint {
  async fetch(request) {
    const query = new URL(request.url).searchParams;
    const depth = Number(query.get("depth"));
    const times = query.get("times");
    if (times !== null) {
      for (let i = 0; i < Number(times); i++) {
        if (query.get("kind") === "rpc") await this.env.NEXT.call(depth - 1);
        else await (await this.next(depth - 1)).text();
      }
      return new Response(\`made \${times}\`);
    }
    return depth > 0 ? this.next(depth - 1) : new Response("ok");
  }

  async call(depth) {
    return depth > 0 ? this.env.NEXT.call(depth - 1) : "ok";
  }

  next(depth) {
    if (this.env.NEXT) return this.env.NEXT.fetch(\`http://next/?depth=\${depth}\`);
    return fetch(\`\${this.env.NEXT_URL}?depth=\${depth}\`);
  }
}
`;

function report(stages: readonly Stage[], figures: Map<string, Samples>): Section {
  const cell = (samples: Samples | undefined) =>
    samples ? `${samples.median.toFixed(0)} µs (${samples.min.toFixed(0)}–${samples.max.toFixed(0)})` : "–";
  const rows = KINDS.flatMap((kind) =>
    stages
      .filter((stage) => stage.kinds.includes(kind))
      .map((stage) => [kind, stage.title, ...DEPTHS.map((depth) => cell(figures.get(`${stage.id} ${kind} ${depth}`)))]),
  );
  const checks: Check[] = [];
  const compare = (other: string, kind: string, limit: number, what: string) => {
    const ratios = DEPTHS.flatMap((depth) => {
      const [ours, theirs] = [figures.get(`troupe ${kind} ${depth}`), figures.get(`${other} ${kind} ${depth}`)];
      return ours && theirs ? [pairedRatio(ours, theirs)] : [];
    });
    if (ratios.length > 0)
      checks.push({
        what: `${kind}, median over the depths, beside ${what}`,
        value: summarise(ratios).median,
        limit,
        unit: " ×",
      });
  };
  for (const kind of KINDS) {
    compare("two-wrangler", kind, 0.1, "two wrangler dev");
    compare("two-workerd", kind, 0.35, "plain HTTP between two workerd");
    // The same runtime and the same path: what differs is noise, for which a tenth is allowed.
    compare("miniflare", kind, 1.1, "bare Miniflare");
  }
  return {
    name: "calls",
    title: "A call across a service binding",
    header: ["", "", ...DEPTHS.map((depth) => `depth ${depth}`)],
    rows,
    checks,
    notes: [
      "Depth 3 is a call that makes a call that makes a call. Microseconds for the whole call, from many calls in one request. Ratios are medians over the rounds, each within its round.",
    ],
  };
}
