/** `troupe serve`: throughput of the front door, swaps under load, first requests, and many environments that are idle. */
import path from "node:path";
import { newestCompatibilityDate } from "../src/runtime/index.ts";
import type { InlineService } from "../test/support/graph.ts";
import { bareMiniflare } from "./lib/contenders.ts";
import { Client, freePort, until } from "./lib/http.ts";
import { startNode } from "./lib/processes.ts";
import { type Check, milliseconds, type Section } from "./lib/report.ts";
import { type BenchStore, benchStore, get, load, serve } from "./lib/serve.ts";
import { interleave, type Samples, summarise } from "./lib/stats.ts";
import { writeWorkspace } from "./lib/workspace.ts";
import type { BenchOptions } from "./run.ts";

const SWAPS = 50;
const QUIET_SWAPS = 15;
const THIN_DOOR = path.join(import.meta.dirname, "lib", "thin-door.ts");
/** Seconds of one sample of throughput. */
const SAMPLE = 3;
const ENVIRONMENTS = { few: 10, many: 500, active: 10 };

const hello = (text: string): InlineService => ({
  code: `export default { fetch: () => new Response(${JSON.stringify(text)}) };`,
});

export default async function serving(options: BenchOptions): Promise<Section> {
  const rows: string[][] = [];
  const checks: Check[] = [];
  for (const part of [throughput, swaps, firstRequests, idleEnvironments]) {
    const done = await part(options);
    rows.push(...done.rows);
    checks.push(...done.checks);
  }
  return { name: "serve", title: "troupe serve", header: ["", ""], rows, checks };
}

type Part = Pick<Section, "rows" | "checks">;

/**
 * How much of it is left is the machine's doing, too: client, door and worker share its cores. So the thinnest door there
 * can be is measured beside ours.
 */
async function throughput({ runs }: BenchOptions): Promise<Part> {
  const bench = benchStore();
  const workspace = writeWorkspace([{ name: "hello", config: {}, files: { "src/index.ts": hello("hello").code } }]);
  const port = await freePort();
  const thinPort = await freePort();
  const bare = bareMiniflare(workspace, [workspace.services[0]!.config], ["--direct", String(port)]);
  const thinDoor = startNode([THIN_DOOR, String(thinPort), `http://127.0.0.1:${port}`]);
  try {
    bench.store.deploy({ hello: hello("hello") });
    const host = await serve(bench.store);
    await get(host.port, "hello");
    for (const [to, child] of [
      [port, bare],
      [thinPort, thinDoor],
    ] as const) {
      const client = new Client(to);
      await until(client, child, ({ status }) => status === 200, { pause: 20 });
      client.close();
    }
    const rate = (to: number) => async () => {
      const { requests, lost, reason } = await load(to, "hello.localhost", { seconds: SAMPLE }).done;
      if (lost > 0) throw new Error(`${lost} requests lost: ${reason}`);
      return requests / SAMPLE;
    };
    const rates = await interleave(
      runs ?? 7,
      new Map([
        ["door", rate(host.port)],
        ["thin", rate(thinPort)],
        ["direct", rate(port)],
      ]),
    );
    await host.stop();
    const [door, thin, direct] = [rates.get("door")!, rates.get("thin")!, rates.get("direct")!];
    return {
      rows: [
        ["requests a second, 50 connections: front door", perSecond(door)],
        ["… the thinnest door: node:http and undici, and nothing else", perSecond(thin)],
        ["… workerd's own socket", perSecond(direct)],
      ],
      checks: [
        {
          what: "workerd's own socket, beside the front door",
          value: direct.median / door.median,
          limit: 1 / 0.7,
          unit: " ×",
        },
        { what: "the thinnest door, beside ours", value: thin.median / door.median, limit: 1.1, unit: " ×" },
      ],
    };
  } finally {
    await thinDoor.stop();
    await bare.stop();
    workspace.remove();
    bench.remove();
  }
}

/**
 * Deploys, promotions and rollbacks in turns, first at rest, then under 50 connections that never pause: these take all there
 * is of the processor, the start of the new process included.
 */
async function swaps({ runs }: BenchOptions): Promise<Part> {
  const rows: string[][] = [];
  const checks: Check[] = [];
  for (const mode of ["overlap", "prewarm", "hold"] as const) {
    const bench = benchStore();
    try {
      const { quiet, outcome, live, missing } = await swapInTurns(bench, mode, runs ?? SWAPS);
      rows.push([
        `${QUIET_SWAPS} deploys, promotions and rollbacks (${mode}) at rest`,
        `live after ${milliseconds(quiet)}`,
      ]);
      rows.push([
        `${runs ?? SWAPS} deploys, promotions and rollbacks (${mode}) under 50 connections`,
        `${outcome.lost} of ${outcome.requests} requests lost, longest ${Math.round(outcome.longest)} ms, live after ${milliseconds(live)}${mode === "overlap" ? "" : `, ${missing} of ${outcome.written.length} writes missing`}`,
      ]);
      checks.push({ what: `live after, at rest, median, ${mode}`, value: quiet.median, limit: 300, unit: " ms" });
      checks.push({ what: `requests lost, ${mode}`, value: outcome.lost, limit: 0 });
      if (mode !== "overlap") checks.push({ what: `acknowledged writes missing, ${mode}`, value: missing, limit: 0 });
    } finally {
      bench.remove();
    }
  }
  return { rows, checks };
}

type Stateful = "overlap" | "prewarm" | "hold";

const PRODUCTION = { service: "it", environment: "production" };
const STAGING = { service: "it", environment: "staging" };

/** As after a deploy, which starts everything once. */
const startedOn = newestCompatibilityDate();

/** Deploy, promote, roll back, deploy… @returns makes the next change, and tells the text that answers after it */
function changes(store: BenchStore["store"], service: (text: string, environment: string) => InlineService) {
  const versions = [{ number: 1, text: "0" }];
  let count = 0;
  return (): string => {
    const text = `${++count}`;
    if (count % 3 === 0) {
      const before = versions.at(-2)!;
      store.rollback(PRODUCTION, before.number);
      return before.text;
    }
    if (count % 3 === 1) {
      const [number] = store.deploy({ it: service(text, "production") }, { startedOn });
      versions.push({ number: number!, text });
    } else {
      store.deploy({ it: service(text, "staging") }, { environment: "staging", startedOn });
      versions.push({ number: store.promote(STAGING, PRODUCTION), text });
    }
    return text;
  };
}

async function swapInTurns({ store }: BenchStore, mode: Stateful, count: number) {
  const service = (text: string, environment: string) =>
    mode === "overlap" ? hello(text) : writer(text, mode, environment);
  store.deploy({ it: service("0", "production") }, { startedOn });
  const change = changes(store, service);
  const host = await serve(store);
  try {
    if (mode !== "overlap") await get(host.port, "it", "/init");
    else await get(host.port, "it");
    /** @returns how long each took to be live, in ms */
    const swap = async (times: number): Promise<number[]> => {
      const live: number[] = [];
      while (live.length < times) {
        const from = host.events().length;
        const startedAt = performance.now();
        const text = change();
        await host.next("reload", from);
        live.push(performance.now() - startedAt);
        const answer = await get(host.port, "it", mode === "overlap" ? "/" : "/init");
        if (answer !== text) throw new Error(`swap ${live.length}: version ${answer} answers, not ${text}`);
      }
      return live;
    };
    const quiet = await swap(QUIET_SWAPS);
    const running = load(host.port, "it.localhost", { write: mode !== "overlap" });
    const live = await swap(count);
    const outcome = await running.stop();
    const there = new Set(mode === "overlap" ? [] : JSON.parse(await get(host.port, "it", "/written")));
    return {
      quiet: summarise(quiet),
      outcome,
      live: summarise(live),
      missing: outcome.written.filter((id) => !there.has(id)).length,
    };
  } finally {
    await host.stop();
  }
}

/** Tells its text, and writes each id to KV and D1 (and a Durable Object); `/written` tells those that are everywhere. */
function writer(text: string, mode: "prewarm" | "hold", environment: string): InlineService {
  const objects = mode === "hold";
  return {
    code: `import { DurableObject } from "cloudflare:workers";
export class Ids extends DurableObject {
  add(id) { return this.ctx.storage.put(id, true); }
  async all() { return [...(await this.ctx.storage.list()).keys()]; }
}
export default { async fetch(request, env) {
  const url = new URL(request.url);
  if (url.pathname === "/init") await env.DB.exec("CREATE TABLE IF NOT EXISTS ids (id TEXT PRIMARY KEY)");
  else if (url.pathname === "/written") {
    const all = async (cursor) => { const page = await env.KV.list({ cursor }); return [...page.keys, ...(page.list_complete ? [] : await all(page.cursor))]; };
    const kv = new Set((await all()).map(({ name }) => name));
    const objects = ${objects} ? new Set(await env.IDS.getByName("all").all()) : kv;
    const { results } = await env.DB.prepare("SELECT id FROM ids").all();
    return Response.json(results.map(({ id }) => id).filter((id) => kv.has(id) && objects.has(id)));
  } else {
    const id = url.searchParams.get("id");
    await env.KV.put(id, "1");
    await env.DB.prepare("INSERT INTO ids VALUES (?)").bind(id).run();
    if (${objects}) await env.IDS.getByName("all").add(id);
  }
  return new Response("${text}");
} };`,
    bindings: [
      { name: "KV", kind: "kv", entry: { binding: "KV" }, resource: `kv-${environment}` },
      { name: "DB", kind: "d1", entry: { binding: "DB" }, resource: `db-${environment}` },
      ...(objects ? [{ name: "IDS", kind: "durable-object", entry: { name: "IDS", class_name: "Ids" } }] : []),
    ],
  };
}

/** From a request to a cold environment to its answer, beside what Miniflare takes from nothing to a first answer. */
async function firstRequests({ runs }: BenchOptions): Promise<Part> {
  const bench = benchStore();
  const { Miniflare } = await import("miniflare");
  try {
    const rounds = runs ?? 10;
    for (let index = 0; index <= rounds; index++) bench.store.deploy({ [`cold-${index}`]: hello("hello") });
    const host = await serve(bench.store);
    // The first one of all loads the runtime's code.
    await get(host.port, `cold-${rounds}`);
    let next = 0;
    const cold = async (): Promise<number> => {
      const startedAt = performance.now();
      await get(host.port, `cold-${next++}`);
      return performance.now() - startedAt;
    };
    const contents = hello("hello").code;
    const bare = async (): Promise<number> => {
      const startedAt = performance.now();
      const manifest = { mainModule: "index.js", modules: { "index.js": { type: "esm" as const, contents } } };
      const config = { name: "hello", compatibilityDate: "2026-11-01", compatibilityFlags: [], manifest, env: {} };
      const miniflare = new Miniflare({ host: "127.0.0.1", port: 0, cf: false, workers: [{ config }] });
      const client = new Client(Number((await miniflare.ready).port));
      await client.get();
      const elapsed = performance.now() - startedAt;
      client.close();
      await miniflare.dispose();
      return elapsed;
    };
    await bare();
    const figures = await interleave(
      rounds,
      new Map([
        ["cold", cold],
        ["bare", bare],
      ]),
    );
    await host.stop();
    const [first, start] = [figures.get("cold")!, figures.get("bare")!];
    return {
      rows: [
        ["first request to a cold environment", milliseconds(first)],
        ["start and first request of bare Miniflare", milliseconds(start)],
      ],
      checks: [
        {
          what: "first request to a cold environment, beside bare Miniflare",
          value: first.median / start.median,
          limit: 2,
          unit: " ×",
        },
      ],
    };
  } finally {
    bench.remove();
  }
}

async function idleEnvironments({ runs }: BenchOptions): Promise<Part> {
  const { few, many, active } = ENVIRONMENTS;
  const stores = [few, many].map((count) => {
    const bench = benchStore();
    bench.store.store.transaction(() => {
      for (let index = 0; index < count; index++) bench.store.deploy({ [`s${index}`]: hello(`${index}`) });
    });
    return { count, bench };
  });
  try {
    const memory = new Map<number, number[]>(stores.map(({ count }) => [count, []]));
    const run = async (count: number, { store }: BenchStore): Promise<number> => {
      const host = await serve(store);
      for (let index = 0; index < active; index++) await get(host.port, `s${index}`);
      memory.get(count)!.push(host.memory());
      await host.stop();
      return host.startedIn;
    };
    const starts = await interleave(
      runs ?? 7,
      new Map(stores.map(({ count, bench }) => [String(count), () => run(count, bench)])),
    );
    const of = (count: number) => ({ start: starts.get(String(count))!, memory: summarise(memory.get(count)!) });
    const row = (count: number) => [
      `${count} environments, ${active} active: start-up, memory of the host`,
      `${milliseconds(of(count).start)}, ${Math.round(of(count).memory.median / 2 ** 20)} MB`,
    ];
    const check = (what: string, a: Samples, b: Samples): Check => ({
      what,
      value: a.median / b.median,
      limit: 1.2,
      unit: " ×",
    });
    return {
      rows: [row(few), row(many)],
      checks: [
        check(`start-up with ${many} environments, beside ${few}`, of(many).start, of(few).start),
        check(`memory with ${many} environments, beside ${few}`, of(many).memory, of(few).memory),
      ],
    };
  } finally {
    for (const { bench } of stores) bench.remove();
  }
}

function perSecond({ median, min, max }: Samples): string {
  return `${Math.round(median)} (${Math.round(min)}–${Math.round(max)})`;
}
