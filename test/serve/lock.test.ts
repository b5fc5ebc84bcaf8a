import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { lockOwner, takeLock } from "../../src/lib/lock.ts";
import { testFolder } from "../support/files.ts";

test("of many processes that want a lock at once, over one that was left behind, one gets it", async () => {
  const folder = testFolder();
  const file = path.join(folder, "a.json");
  // Nobody has this process id: it is above what Linux gives out.
  writeFileSync(file, JSON.stringify({ pid: 2 ** 22 + 1, since: 0 }));
  const script = `
    const { takeLock } = await import(${JSON.stringify(path.resolve("src/lib/lock.ts"))});
    await new Promise((go) => process.stdin.once("data", go));
    const taken = await takeLock(${JSON.stringify(file)});
    console.log("lock" in taken ? "taken" : "refused");
    process.stdin.once("end", () => process.exit());`;
  const children = Array.from({ length: 8 }, () => spawn(process.execPath, ["--input-type=module", "-e", script]));
  for (const child of children) child.stdin.write("go\n");
  const answers = await Promise.all(children.map(async ({ stdout }) => String((await once(stdout, "data"))[0]).trim()));
  expect(answers.sort()).toEqual([...Array(7).fill("refused"), "taken"]);
  const ended = children.map((child) => once(child, "exit"));
  for (const child of children) child.stdin.end();
  await Promise.all(ended);
  expect(readdirSync(folder)).toEqual(["a.json"]);
});

test("a lock of an earlier process that had the same id is nobody's: in a container it always has", async () => {
  const file = path.join(testFolder(), "a.json");
  for (const left of [{ since: 0 }, { since: Date.now(), born: "1" }]) {
    writeFileSync(file, JSON.stringify({ pid: process.pid, ...left }));
    const taken = await takeLock(file);
    if (!("lock" in taken)) throw new Error("not taken");
    expect(await lockOwner(file)).toMatchObject({ pid: process.pid });
    await taken.lock.release();
  }
});

test("details are replaced whole, and the file goes with the lock", async () => {
  const file = path.join(testFolder(), "a.json");
  const taken = await takeLock(file);
  if (!("lock" in taken)) throw new Error("not taken");
  await taken.lock.update({ port: 1 });
  expect(await lockOwner(file)).toMatchObject({ pid: process.pid, port: 1 });
  expect(await takeLock(file)).toMatchObject({ owner: { port: 1 } });
  await taken.lock.release();
  expect(existsSync(file)).toBe(false);
});
