/** Disks that are full or read-only, damaged stores, keys that are gone: a clear error, and nothing is lost. */
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { deploy } from "../../src/ops/deploy.ts";
import { BIN, type CliOptions, type CliResult } from "../support/cli.ts";
import { makeFolder, removeFolder, testFolder } from "../support/files.ts";
import { troupeHere as troupe } from "../support/here.ts";
import { deployShop, selectionOf, serviceFile, shopFiles, snapshot } from "../targets/shop.ts";
import { expectSound, readWhole } from "./whole.ts";

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

let template: string;

beforeAll(async () => {
  template = makeFolder(shopFiles("troupe"));
  await deployShop(selectionOf(template));
});
afterAll(() => removeFolder(template));

/** A copy of the deployed workspace. */
function shop(): { cwd: string; state: string } {
  const cwd = testFolder();
  cpSync(template, cwd, { recursive: true });
  return { cwd, state: path.join(cwd, ".troupe") };
}

function change(cwd: string, service: string, code = "globalThis.changed = true;"): void {
  const file = serviceFile(cwd, service);
  writeFileSync(file, `${readFileSync(file, "utf8")}\n${code}\n`);
}

/** What the command says, without `--json`'s form. */
async function failure(args: string[], options: CliOptions): Promise<{ code: number | null; message: string }> {
  const { code, stdout, stderr } = await troupe([...args, "--json"], options);
  expect(stdout).toBe("");
  const { error } = JSON.parse(stderr.trim().split("\n").at(-1)!);
  return { code, message: [error.message, ...error.notes].join("\n") };
}

test("a damaged blob is named where it is used, everything else works, and a deploy from source mends it", async () => {
  const { cwd, state } = shop();
  const database = new DatabaseSync(path.join(state, "store.db"));
  const { bundle } = database
    .prepare(
      "SELECT bundle FROM versions v JOIN environments e ON e.active_version_id = v.id JOIN services s ON s.id = e.service_id WHERE s.name = 'gateway' AND e.name = 'staging'",
    )
    .get() as { bundle: string };
  const hash = JSON.parse(bundle).modules[0].blob as string;
  database.prepare("UPDATE blobs SET data = zeroblob(length(data)) WHERE hash = ?").run(hash);
  database.close();

  const cloned = await failure(["env", "clone", "staging", "pr-1", "-s", "gateway"], { cwd });
  expect(cloned).toEqual({ code: 8, message: expect.stringMatching(new RegExp(`blob ${hash} is damaged`)) });
  expect((await troupe(["env", "list"], { cwd })).code).toBe(0);
  change(cwd, "auth");
  expect(await troupe(["deploy", "-e", "staging", "-s", "auth"], { cwd })).toMatchObject({ code: 0 });
  expect(await troupe(["deploy", "-e", "staging"], { cwd })).toMatchObject({ code: 0 });
  expect(await troupe(["env", "clone", "staging", "pr-1", "-s", "gateway"], { cwd })).toMatchObject({ code: 0 });
  readWhole(state);
});

test("another or a missing secret.key is said, nothing is lost, and what needs no secret works", async () => {
  const { cwd, state } = shop();
  const before = readWhole(state);
  const keyFile = path.join(state, "secret.key");
  const key = readFileSync(keyFile);
  change(cwd, "auth");
  for (const other of [randomBytes(32).toString("base64"), "no key at all", undefined]) {
    if (other === undefined) rmSync(keyFile);
    else writeFileSync(keyFile, other);
    const put = await failure(["secret", "put", "TOKEN", "-e", "staging", "-s", "auth"], { cwd, input: "new" });
    expect(put).toEqual({ code: 8, message: expect.stringMatching(/secret\.key/) });
    const deployed = await failure(["deploy", "-e", "staging", "-s", "auth"], { cwd });
    expect(deployed).toEqual({ code: 8, message: expect.stringMatching(/secret\.key/) });
    expect(readdirSync(state).includes("secret.key")).toBe(other !== undefined);
  }
  expect((await troupe(["secret", "list", "-e", "staging", "-s", "auth"], { cwd })).stdout).toContain("TOKEN");
  writeFileSync(keyFile, key);
  expect(readWhole(state)).toEqual(before);
  expect(await troupe(["deploy", "-e", "staging", "-s", "auth"], { cwd })).toMatchObject({ code: 0 });
});

test("a damaged database is said, wherever the damage is", async () => {
  const { cwd, state } = shop();
  const at = selectionOf(cwd);
  const file = path.join(state, "store.db");
  new DatabaseSync(file).exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
  const whole = readFileSync(file);
  const PAGE = 4096;
  const outcomes: string[] = [];
  // The first page is the header: without it the file is no store at all.
  for (let page = 1; page < whole.length / PAGE; page++) {
    const damaged = Buffer.from(whole);
    randomBytes(PAGE).copy(damaged, page * PAGE);
    writeFileSync(file, damaged);
    for (const look of [() => snapshot(at), () => deploy({ ...at, env: "staging", dryRun: true })]) {
      const failed = await look().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failed) expect(failed, `page ${page}`).toMatchObject({ code: "STORE", exitCode: 8 });
      outcomes.push(failed ? "failed" : "fine");
    }
  }
  expect(outcomes).toContain("failed");
  writeFileSync(file, Buffer.concat([whole.subarray(0, PAGE), randomBytes(whole.length - PAGE)]));
  expect(await failure(["env", "list"], { cwd })).toEqual({
    code: 8,
    message: expect.stringMatching(/store\.db is damaged[\s\S]*backup/),
  });
  writeFileSync(file, whole);
  readWhole(state);
});

/** Permissions mean nothing to root. */
async function asNobody(args: string[], cwd: string): Promise<CliResult> {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
    env: { ...process.env, HOME: cwd },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code, stdout, stderr };
}

test("a store that may not be written is said, and can be read", async () => {
  const { cwd, state } = shop();
  const before = readWhole(state);
  change(cwd, "auth");
  const files = readdirSync(state).map((name) => path.join(state, name));
  if (isRoot) for (const file of [state, ...files, cwd]) chownSync(file, NOBODY, NOBODY);
  for (const file of files) chmodSync(file, 0o400);
  chmodSync(state, 0o500);
  onTestFinished(() => chmodSync(state, 0o700));

  const deployed = await asNobody(["deploy", "-e", "staging", "-s", "auth"], cwd);
  expect(deployed).toMatchObject({ code: 8, stderr: expect.stringMatching(/store\.db .*(written|opened)/) });
  const listed = await asNobody(["env", "list"], cwd);
  expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining("staging") });

  chmodSync(state, 0o700);
  for (const file of files) chmodSync(file, 0o600);
  expect(readWhole(state)).toEqual(before);
});

/** A module that no compression makes small. */
function addLargeModule(cwd: string): void {
  const file = serviceFile(cwd, "gateway", "large.js");
  writeFileSync(file, `export default "${randomBytes(3_000_000).toString("base64")}";\n`);
  change(cwd, "gateway", `import large from "./large.js"; globalThis.large = large;`);
}

function mountable(): boolean {
  if (!isRoot || process.platform !== "linux") return false;
  const folder = makeFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { stdio: "ignore" });
    execFileSync("umount", [folder]);
    return true;
  } catch {
    return false;
  } finally {
    removeFolder(folder);
  }
}

test.skipIf(!mountable())("a full disk is said, nothing is changed, and with room again it works", async () => {
  const { cwd, state } = shop();
  const small = path.join(cwd, "small");
  mkdirSync(small);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", small]);
  onTestFinished(() => void execFileSync("umount", ["-l", small]));
  cpSync(state, small, { recursive: true });
  const before = readWhole(small);
  addLargeModule(cwd);
  const deployed = await failure(["deploy", "-e", "staging", "--state-dir", small], { cwd });
  expect(deployed).toEqual({ code: 8, message: expect.stringMatching(/the disk is full[\s\S]*nothing was changed/) });
  expect(readWhole(small)).toEqual(before);
  expectSound(small);
  execFileSync("mount", ["-o", "remount,size=32m", small]);
  expect(await troupe(["deploy", "-e", "staging", "--state-dir", small], { cwd })).toMatchObject({ code: 0 });
  expect(readWhole(small)["gateway@staging"]!.version).toBe(2);
});

test.skipIf(process.platform === "win32")(
  "a limit on the size of files is an error as well, and nothing is changed",
  async () => {
    const { cwd, state } = shop();
    const before = readWhole(state);
    addLargeModule(cwd);
    // 512-byte blocks in POSIX, 1024 in bash: more than the store has, less than the module needs.
    const limit = `ulimit -f 2048; trap "" XFSZ; exec "$0" "$@"`;
    const child = spawn("sh", ["-c", limit, process.execPath, BIN, "deploy", "-e", "staging"], {
      cwd,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
    expect(code, stderr).toBe(8);
    expect(stderr).toMatch(/store\.db .*(disk|I\/O)/);
    expect(readWhole(state)).toEqual(before);
    expectSound(state);
  },
);
