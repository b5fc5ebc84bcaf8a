/** Ports, signals, and what is left behind: nothing. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { createServer, type Server } from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { ROOT, startTroupe, troupe } from "../support/cli.ts";
import { alive, copyFixture, descendants, ready, startDev } from "../support/dev.ts";
import { removeFolder, testFolder } from "../support/files.ts";

const FILES = {
  "troupe.toml": `name = "app"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n`,
  "index.ts": `export default { fetch: () => new Response("ok") };\n`,
};

/** Resolves to undefined when somebody else has the port: just as good for these tests. */
function occupy(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      onTestFinished(() => new Promise<void>((closed) => server.close(() => closed())));
      resolve(server);
    });
  });
}

describe("ports", () => {
  it("refuses a port that is taken, naming the process that holds it", async () => {
    const server = await occupy(0);
    const { port } = server!.address() as { port: number };
    const { code, stderr } = await troupe(["dev", "--port", String(port)], { cwd: testFolder(FILES) });
    expect(code).toBe(6);
    expect(stderr).toContain(String(port));
    expect(stderr).toContain(String(process.pid));
  });

  it("takes the next free port when none was asked for", async () => {
    await occupy(8787);
    const dev = await ready(startTroupe(["dev", "--json"], { cwd: testFolder(FILES) }));
    onTestFinished(() => dev.stop().then(() => {}));
    expect(dev.port).toBeGreaterThan(8787);
    expect((await dev.get("")).body).toBe("ok");
  });

  it("refuses what is no port", async () => {
    const { code, stderr } = await troupe(["dev", "--port", "70000"], { cwd: testFolder(FILES) });
    expect(code).toBe(2);
    expect(stderr).toContain("70000");
  });
});

describe("the end", () => {
  it("comes at once when the code hangs while it starts", async () => {
    const cwd = testFolder({
      ...FILES,
      "index.ts": `for (;;);\nexport default { fetch: () => new Response("never") };\n`,
    });
    const running = startTroupe(["dev", "--json", "--port", "0"], { cwd });
    await vi.waitFor(() => expect(descendants(running.child.pid!).length).toBeGreaterThan(1), 30_000);
    const { code, stdout, stderr } = await running.stop("SIGINT");
    expect(code).toBe(130);
    // It did not wait until the start was given up.
    expect(stdout + stderr).not.toContain("build-error");
  });

  /** A run with a temporary folder of its own, so that leftovers can be seen. */
  async function run() {
    const cwd = copyFixture("chat");
    const temporary = path.join(cwd, "tmp");
    mkdirSync(temporary);
    onTestFinished(() => removeFolder(cwd));
    const dev = await startDev(cwd, [], { env: { TMPDIR: temporary } });
    await dev.get("", "/rooms/lobby/messages");
    const started = descendants(dev.running.child.pid!);
    // workerd and the shell that watches over it, at least.
    expect(started.length).toBeGreaterThanOrEqual(2);
    return { cwd, dev, started, temporary };
  }

  it.each(["SIGINT", "SIGTERM"] as const)("leaves nothing behind after %s", async (signal) => {
    const { cwd, dev, started, temporary } = await run();
    const { code, stderr } = await dev.stop(signal);
    expect(code).toBe(130);
    expect(stderr).toBe("");
    expect(dev.running.events.at(-1)).toEqual({ reason: "exit" });
    await vi.waitFor(() => expect(alive(started)).toEqual([]), 30_000);
    expect(readdirSync(temporary).filter((name) => name.startsWith("troupe-"))).toEqual([]);
    expect(existsSync(path.join(cwd, ".troupe/data/dev/owner.json"))).toBe(false);
  });

  it("leaves nothing behind after SIGKILL, and the data can be used again", async () => {
    const { cwd, dev, started, temporary } = await run();
    await dev.stop("SIGKILL");
    await vi.waitFor(() => expect(alive(started)).toEqual([]), 30_000);
    await vi.waitFor(
      () => expect(readdirSync(temporary).filter((name) => name.startsWith("troupe-"))).toEqual([]),
      30_000,
    );
    const again = await startDev(cwd, [], { env: { TMPDIR: temporary } });
    onTestFinished(() => again.stop().then(() => {}));
    expect((await again.get("", "/rooms/lobby/messages")).status).toBe(200);
    expect(again.running.events.filter((event) => event.reason === "warning")).toEqual([]);
  });

  it("refuses a data folder that another run uses, naming that process", async () => {
    const { cwd, dev } = await run();
    onTestFinished(() => dev.stop().then(() => {}));
    const { code, stderr } = await troupe(["dev", "--port", "0"], { cwd });
    expect(code).toBe(6);
    expect(stderr).toContain(String(dev.running.child.pid));
    const elsewhere = await startDev(cwd, ["--persist-to", path.join(cwd, "elsewhere")]);
    expect((await elsewhere.get("", "/rooms/lobby/messages")).body).toBe("[]");
    await elsewhere.stop();
  });
});

describe("startDev", () => {
  it("runs services inside somebody's own tests, and lets the process end", async () => {
    const cwd = testFolder({
      ...FILES,
      "own.test.mjs": `import { startDev } from ${JSON.stringify(pathToFileURL(path.join(ROOT, "dist/index.js")).href)};
const server = await startDev({ cwd: import.meta.dirname, port: 0 });
const response = await server.fetch("/path");
console.log(response.status, await response.text(), Object.keys(server.urls).join());
await server.stop();
`,
    });
    const { execFile } = await import("node:child_process");
    const output = await new Promise<string>((resolve, reject) =>
      execFile(process.execPath, [path.join(cwd, "own.test.mjs")], { timeout: 50_000 }, (error, stdout, stderr) =>
        error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve(stdout),
      ),
    );
    expect(output).toBe("200 ok app\n");
  });
});
