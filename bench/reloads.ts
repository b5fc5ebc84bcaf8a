/**
 * 400 reloads in a row under a steady load: memory, processes left, requests lost. The first half is warm-up: Node's memory
 * grows until V8 has seen some thousand requests, and stays there. That it does is what the second half shows.
 */
import { type Contender, contenders } from "./lib/contenders.ts";
import { Client, freePort, until } from "./lib/http.ts";
import { type Child, delay, groupMembers } from "./lib/processes.ts";
import type { Check, Section } from "./lib/report.ts";
import { saveMessage, starWorkspace } from "./lib/workspace.ts";
import type { BenchOptions } from "./run.ts";

const RELOADS = 400;
const CLIENTS = 8;
/** Think time of a client between two requests, ms. */
const THINK = 5;
/** Where memory is read; the first is before any reload. */
const MARKS = 5;

export default async function reloads(options: BenchOptions): Promise<Section> {
  const total = options.runs ?? RELOADS;
  const only = options.only ?? ["troupe"];
  const rows: string[][] = [];
  const checks: Check[] = [];
  const notes: string[] = [];
  for (const contender of contenders(only)) {
    const outcome = await run(contender, total);
    const afterWarmUp = outcome.memory[(MARKS - 1) / 2];
    const last = outcome.memory.at(-1)!;
    rows.push([
      contender.title,
      ...outcome.memory.map(megabytes),
      String(outcome.processes),
      `${outcome.lost} of ${outcome.requests}`,
      `${((outcome.seconds / total) * 1000).toFixed(0)} ms`,
    ]);
    if (contender.id !== "troupe") continue;
    checks.push(
      {
        what: `memory after ${total} reloads, beside after ${total / 2}`,
        value: (last.own + last.others) / (afterWarmUp!.own + afterWarmUp!.others),
        limit: 1.15,
        unit: " ×",
      },
      { what: "processes more than at the start", value: outcome.processes - outcome.processesAtStart, limit: 0 },
      { what: "requests lost", value: outcome.lost, limit: 0 },
      { what: "processes left after the end", value: outcome.left, limit: 0 },
    );
    if (outcome.lost > 0) notes.push(`Lost: ${outcome.reasons.join("; ")}`);
  }
  const marks = Array.from({ length: MARKS }, (_, index) => `after ${Math.round((index * total) / (MARKS - 1))}`);
  return {
    name: "reloads",
    title: `${total} reloads under load`,
    header: ["memory: Node + esbuild, workerd", ...marks, "processes", "lost requests", "per reload"],
    rows,
    checks,
    notes: [
      `${CLIENTS} keep-alive clients, ${THINK} ms between a client's requests, one save as soon as the last one shows.`,
      ...notes,
    ],
  };
}

interface Memory {
  /** The contender's Node processes. */
  own: number;
  /** esbuild and workerd. */
  others: number;
}

async function run(contender: Contender, total: number) {
  const workspace = starWorkspace(2, "first");
  const port = await freePort();
  const client = new Client(port);
  const child = contender.dev(workspace, port);
  const load = new Load(port);
  try {
    await until(client, child, (answer) => answer.body === "first", { pause: 20 });
    load.start();
    await delay(1000);
    const memory = [memoryOf(child)];
    const processesAtStart = groupMembers(child.pid).length;
    const startedAt = performance.now();
    for (let reload = 1; reload <= total; reload++) {
      const message = `message ${reload}`;
      saveMessage(workspace, message);
      await until(client, child, (answer) => answer.body === message);
      if (reload % Math.ceil(total / (MARKS - 1)) === 0) memory.push(memoryOf(child));
    }
    const seconds = (performance.now() - startedAt) / 1000;
    await load.stop();
    await settled(child, processesAtStart);
    const processes = groupMembers(child.pid).length;
    await child.stop();
    const left = groupMembers(child.pid).length;
    return {
      memory,
      processes,
      processesAtStart,
      left,
      seconds,
      lost: load.lost,
      requests: load.requests,
      reasons: [...load.reasons],
    };
  } finally {
    await load.stop();
    client.close();
    await child.stop();
    workspace.remove();
  }
}

/** Old generations may drain for a while after the last request. */
async function settled(child: Child, expected: number): Promise<void> {
  const deadline = Date.now() + 40_000;
  while (groupMembers(child.pid).length > expected && Date.now() < deadline) await delay(200);
}

/** Clients that ask without pause for as long as it runs. A request is lost when it fails or isn't answered with 200. */
class Load {
  requests = 0;
  lost = 0;
  reasons = new Set<string>();
  #running = false;
  #clients: Promise<void>[] = [];
  #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  start(): void {
    this.#running = true;
    this.#clients = Array.from({ length: CLIENTS }, () => this.#ask());
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
  }

  async #ask(): Promise<void> {
    const client = new Client(this.#port);
    while (this.#running) {
      this.requests++;
      try {
        const { status, body } = await client.get();
        if (status !== 200) this.#lose(`${status} ${body.slice(0, 80)}`);
      } catch (error) {
        this.#lose(String(error));
      }
      await delay(THINK);
    }
    client.close();
  }

  #lose(reason: string): void {
    this.lost++;
    if (this.reasons.size < 5) this.reasons.add(reason);
  }
}

function memoryOf(child: Child): Memory {
  const memory: Memory = { own: 0, others: 0 };
  for (const member of groupMembers(child.pid)) {
    if (/\b(workerd serve|esbuild --service)/.test(member.command)) memory.others += member.memory;
    else memory.own += member.memory;
  }
  return memory;
}

function megabytes(memory: Memory): string {
  return `${Math.round(memory.own / 2 ** 20)} + ${Math.round(memory.others / 2 ** 20)} MB`;
}
