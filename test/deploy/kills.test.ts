/**
 * `kill -9` at random moments: afterwards everything is as before the command or as after it, never between.
 * The moments come from a seed: TROUPE_TEST_SEED repeats a run, as far as two machines' clocks allow.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deploy } from "../../src/ops/deploy.ts";
import { cloneEnvironment, promoteEnvironment, protectEnvironment, rollback } from "../../src/ops/environments.ts";
import { putSecrets } from "../../src/ops/secrets.ts";
import type { TargetSelection } from "../../src/ops/target.ts";
import { BIN } from "../support/cli.ts";
import { makeFolder, removeFolder } from "../support/files.ts";
import { deployShop, selectionOf, serviceFile, shopFiles } from "../targets/shop.ts";
import { type Active, expectSound, readWhole, type State } from "./whole.ts";
import { buildWithoutTrial } from "./without-trial.ts";

const KILLS = 200;
/** The share of them that is for the binary as it is; the others are for the program without the trial start. */
const WHOLE = 0.1;
/** Stores side by side: more than cores, so that the moments are not all alike. */
const LANES = 4;
const SEED = Number(process.env.TROUPE_TEST_SEED ?? 20261121);

/** Mulberry32: numbers from 0 to 1, the same for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

interface Operation {
  name: string;
  args: string[];
  input?: string;
  /** The state afterwards, of what it changes. */
  after(before: State): State;
  /** The same without the binary. */
  repeat(at: TargetSelection): Promise<unknown>;
}

interface Lane {
  cwd: string;
  state: string;
  /** What is active. */
  now: State;
  /** Versions that were whole. */
  seen: Set<number>;
  count: number;
}

function active(state: State, id: string): Active {
  return state[id]!;
}

/** Every operation changes something, whatever the lane went through before. */
const OPERATIONS: ((lane: Lane) => Operation)[] = [
  (lane) => {
    const mark = `mark ${++lane.count}`;
    for (const service of ["gateway", "auth"]) {
      const file = serviceFile(lane.cwd, service);
      writeFileSync(
        file,
        `${readFileSync(file, "utf8").replace(/\nglobalThis.*$/s, "")}\nglobalThis.mark = "${mark}";\n`,
      );
    }
    return {
      name: "deploy",
      args: ["deploy", "--env", "staging"],
      after: (before) =>
        Object.fromEntries(
          ["auth@staging", "gateway@staging"].map((id) => {
            const { secrets } = active(before, id);
            return [id, { secrets, code: expect.stringContaining(`"${mark}"`) } as never];
          }),
        ),
      repeat: (at) => deploy({ ...at, env: "staging" }),
    };
  },
  (lane) => {
    const name = `pr-${++lane.count}`;
    return {
      name: "clone",
      args: ["env", "clone", "staging", name, "--graph", "--service", "gateway"],
      after: (before) => ({
        [`auth@${name}`]: { ...active(before, "auth@staging"), version: 1 },
        [`gateway@${name}`]: { ...active(before, "gateway@staging"), version: 1 },
      }),
      repeat: (at) => cloneEnvironment({ ...at, service: ["gateway"], graph: true }, "staging", name),
    };
  },
  () => ({
    name: "promote",
    args: ["env", "promote", "staging", "--graph", "--service", "gateway"],
    after: (before) =>
      Object.fromEntries(
        ["auth", "gateway"].map((service) => {
          const { contentHash, code } = active(before, `${service}@staging`);
          const { secrets } = active(before, `${service}@production`);
          return [`${service}@production`, { contentHash, code, secrets } as never];
        }),
      ),
    repeat: (at) => promoteEnvironment({ ...at, service: ["gateway"], graph: true }, "staging"),
  }),
  (lane) => {
    const from = active(lane.now, "auth@staging").version;
    const number = from === 1 ? 2 : 1;
    return {
      name: "rollback",
      args: ["rollback", String(number), "--env", "staging", "--service", "auth"],
      after: () => ({ "auth@staging": { version: number } as never }),
      repeat: (at) => rollback({ ...at, env: "staging", service: ["auth"] }, number),
    };
  },
  (lane) => {
    const value = `t0ken-${++lane.count}`;
    return {
      name: "secret put",
      args: ["secret", "put", "TOKEN", "--env", "staging", "--service", "auth"],
      input: value,
      after: (before) => {
        const { contentHash, code } = active(before, "auth@staging");
        return { "auth@staging": { contentHash, code, secrets: { TOKEN: value } } as never };
      },
      repeat: (at) => putSecrets({ ...at, env: "staging", service: ["auth"] }, { TOKEN: value }),
    };
  },
];

let root: string;
/** The binary, and the program without the trial start. */
let programs: [string, string];
const lanes: Lane[] = [];

beforeAll(async () => {
  root = makeFolder();
  const first = path.join(root, "lane-0");
  mkdirSync(first);
  for (const [file, text] of Object.entries(shopFiles("troupe"))) {
    mkdirSync(path.dirname(path.join(first, file)), { recursive: true });
    writeFileSync(path.join(first, file), text);
  }
  const program = path.join(root, "program");
  mkdirSync(program);
  programs = [BIN, await buildWithoutTrial(program)];
  const at = selectionOf(first);
  await deployShop(at);
  await putSecrets({ ...at, env: "staging", service: ["auth"] }, { TOKEN: "another-t0ken" });
  for (let index = 0; index < LANES; index++) {
    const cwd = path.join(root, `lane-${index}`);
    if (index > 0) cpSync(first, cwd, { recursive: true });
    mkdirSync(path.join(root, `tmp-${index}`));
    lanes.push({ cwd, state: path.join(cwd, ".troupe"), now: {}, seen: new Set(), count: 0 });
  }
});
afterAll(() => removeFolder(root));

/** @param moment resolves when it is to be killed @returns how long it ran, when it ended by itself */
async function run(
  program: string,
  lane: Lane,
  operation: Operation,
  moment?: (ended: AbortSignal) => Promise<void>,
  all = true,
) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program, ...operation.args], {
    cwd: lane.cwd,
    // Whatever it leaves in the folder for temporary files goes with the lane.
    env: { ...process.env, TMPDIR: lane.cwd.replace("lane-", "tmp-"), HOME: lane.cwd },
    stdio: ["pipe", "ignore", "pipe"],
    detached: true,
  });
  const errors: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  child.stdin.on("error", () => {});
  child.stdin.end(operation.input ?? "");
  const ended = new AbortController();
  const end = once(child, "exit").finally(() => ended.abort());
  await moment?.(ended.signal);
  if (moment && !ended.signal.aborted) process.kill(all ? -child.pid! : child.pid!, "SIGKILL");
  const [code] = await end;
  if (code !== null) expect(code, `${operation.name}: ${Buffer.concat(errors)}`).toBe(0);
  return { killed: code === null, ms: performance.now() - startedAt };
}

/** After so many milliseconds. */
function after(ms: number) {
  return (ended: AbortSignal) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      ended.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
}

/** As soon as something is written to the store, and `ms` later. */
function atWriting(file: string, ms: number) {
  const look = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const before = look();
  return async (ended: AbortSignal) => {
    while (!ended.aborted && look() === before) await new Promise((resolve) => setTimeout(resolve, 1));
    const until = performance.now() + ms;
    while (performance.now() < until);
  };
}

test(`after each of ${KILLS} kills the store is whole, and every operation done entirely or not at all`, {
  timeout: 600_000,
}, async () => {
  const next = random(SEED);
  const outcome = { old: 0, new: 0 };
  const durations = new Map(programs.map((program) => [program, new Map<number, number>()]));
  // How long each takes beside as many others as later.
  await Promise.all(
    lanes.map(async (lane, index) => {
      for (let kind = index; kind < OPERATIONS.length; kind += LANES) {
        for (const [program, known] of durations) {
          lane.now = readWhole(lane.state);
          known.set(kind, (await run(program, lane, OPERATIONS[kind]!(lane))).ms);
        }
      }
      lane.now = readWhole(lane.state);
    }),
  );
  let kills = 0;
  await Promise.all(
    lanes.map(async (lane) => {
      while (kills < KILLS) {
        const kind = Math.floor(next() * OPERATIONS.length);
        const operation = OPERATIONS[kind]!(lane);
        const before = lane.now;
        const wanted = operation.after(before);
        const wal = path.join(lane.state, "store.db-wal");
        const program = programs[next() < WHOLE ? 0 : 1]!;
        const known = durations.get(program)!;
        const moment = next() < 0.2 ? atWriting(wal, next() * 4) : after(next() * known.get(kind)!);
        const { killed, ms } = await run(program, lane, operation, moment, next() < 0.5);
        if (killed) kills++;
        // The machine may be busier or idler by now.
        else known.set(kind, (known.get(kind)! + ms) / 2);

        const state = readWhole(lane.state, lane.seen);
        lane.now = state;
        expectSound(lane.state);
        const what = `seed ${SEED}, ${operation.name}`;
        const isOld = JSON.stringify(state) === JSON.stringify(before);
        if (killed) outcome[isOld ? "old" : "new"]++;
        if (!isOld || !killed) expect(state, what).toMatchObject({ ...before, ...wanted });

        // Whoever writes next can: mostly the lane's next command shows it, but that may be killed in its turn.
        const at = selectionOf(lane.cwd);
        if (!isOld || next() < 0.25) await protectEnvironment({ ...at, service: ["gateway"] }, "staging", false);
        // One that was cut off can be done again.
        if (isOld && next() < 0.1) {
          await operation.repeat(at);
          lane.now = readWhole(lane.state);
          expect(lane.now, what).toMatchObject({ ...before, ...wanted });
        }
      }
      readWhole(lane.state);
    }),
  );
  // Moments before and after the commit were among them.
  expect(outcome.old).toBeGreaterThan(KILLS / 4);
  expect(outcome.new).toBeGreaterThan(0);
});
