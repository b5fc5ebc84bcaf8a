import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { expect, test, vi } from "vitest";

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("SIGKILL leaves no workerd and no temporary folder behind", async () => {
  const script = `
    const { createGraphRuntime } = await import(${JSON.stringify(path.resolve("src/runtime/index.ts"))});
    const { graph } = await import(${JSON.stringify(path.resolve("test/support/graph.ts"))});
    const { subscribe } = await import("node:diagnostics_channel");
    const children = [];
    subscribe("child_process", ({ process: child }) => children.push(child));
    await createGraphRuntime().swap(graph({ gateway: { code: "export default { fetch() { return new Response() } }" } }));
    const { reaper } = await import(${JSON.stringify(path.resolve("src/runtime/reaper.ts"))});
    console.log(JSON.stringify({ pids: children.filter((child) => child.spawnfile.includes("workerd")).map((child) => child.pid), folder: reaper().folder }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(readline.createInterface(child.stdout), "line")) as [string];
  const { pids, folder } = JSON.parse(line) as { pids: number[]; folder: string };
  expect(pids).toHaveLength(1);
  expect(pids.every(alive)).toBe(true);
  child.kill("SIGKILL");
  await vi.waitFor(() => expect(pids.some(alive)).toBe(false), { timeout: 30_000, interval: 20 });
  await vi.waitFor(() => expect(existsSync(folder)).toBe(false), { timeout: 30_000, interval: 20 });
});
