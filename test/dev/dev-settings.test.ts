/** `[dev]` of a config file: Wrangler's settings for local development, as far as they mean something here. */
import { once } from "node:events";
import net from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { loadWorkspace } from "../../src/config/index.ts";
import { chooseListening } from "../../src/ops/dev/listen.ts";
import { startTroupe } from "../support/cli.ts";
import { type Dev, ready, startDev } from "../support/dev.ts";
import { testFolder, writeFiles } from "../support/files.ts";
import { troupeHere } from "../support/here.ts";
import { freePort } from "../support/port.ts";

const CONFIG = `name = "app"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n`;
const OK = `export default { fetch: () => new Response("ok") };\n`;

/** `troupe dev --json` without a port on the command line. */
async function dev(cwd: string, args: string[] = []): Promise<Dev> {
  const running = startTroupe(["dev", "--json", ...args], { cwd });
  onTestFinished(() => running.stop().then(() => {}));
  return ready(running);
}

it("listens where `dev.port`, `dev.ip` and `dev.local_protocol` say", async () => {
  const port = await freePort();
  const table = `[dev]\nport = ${port}\nip = "0.0.0.0"\nlocal_protocol = "https"\n`;
  const running = await dev(testFolder({ "wrangler.toml": CONFIG + table, "index.ts": OK }));
  expect(running.ready.url).toBe(`https://localhost:${port}`);
  // Nobody else can have that address: the whole machine's is taken.
  await expect(listen(port, "0.0.0.0")).rejects.toThrow("EADDRINUSE");
  expect(running.running.events.filter(({ reason }) => reason === "warning")).toEqual([]);
});

it("lets flags go before them", async () => {
  const taken = await listen(0, "127.0.0.1");
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as net.AddressInfo;
  const cwd = testFolder({
    "troupe.toml": `${CONFIG}[dev]\nport = ${port}\nip = "192.0.2.1"\nlocal_protocol = "https"\n`,
    "index.ts": OK,
  });
  const running = await dev(cwd, ["--port", "0", "--ip", "127.0.0.1", "--local-protocol", "http"]);
  expect(running.ready.url).toMatch(/^http:/);
  expect((await running.get("")).body).toBe("ok");
});

it("refuses a port that is taken, at the line that wants it", async () => {
  const taken = await listen(0, "127.0.0.1");
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as net.AddressInfo;
  const cwd = testFolder({ "wrangler.toml": `${CONFIG}[dev]\nport = ${port}\n`, "index.ts": OK });
  const { code, stderr } = await troupeHere(["dev"], { cwd });
  expect(code).toBe(6);
  expect(stderr).toContain(`Port ${port} is in use by process ${process.pid}`);
  expect(stderr).toMatch(/wrangler\.toml:5:/);
  expect(stderr).toContain("--port");
});

it("says nothing of settings that a build tool wrote", async () => {
  const cwd = testFolder({
    "wrangler.toml": CONFIG,
    ".wrangler/deploy/config.json": `{"configPath":"../../build/wrangler.json"}`,
    "build/wrangler.json": JSON.stringify({
      name: "app",
      main: "index.js",
      compatibility_date: "2026-11-01",
      dev: { upstream_protocol: "http", enable_containers: true },
    }),
    "build/index.js": OK,
  });
  const { workspace } = await loadWorkspace({ cwd, processEnv: {} });
  const { warnings } = await chooseListening({ cwd, port: 0 }, workspace.services[0]!.environments.production!);
  expect(warnings).toEqual([]);
});

it("takes the port of the inspector from it", async () => {
  const port = await freePort();
  const cwd = testFolder({ "wrangler.toml": `${CONFIG}[dev]\ninspector_port = ${port}\n`, "index.ts": OK });
  const running = await startDev(cwd, ["--inspect"]);
  onTestFinished(() => running.stop().then(() => {}));
  expect(new URL(running.ready.inspectorUrl).port).toBe(String(port));
});

it("warns of what it does not use, at its line", async () => {
  const cwd = testFolder({
    "wrangler.toml": `${CONFIG}[dev]\nhost = "example.com"\nupstream_protocol = "https"\ninspector_ip = "0.0.0.0"\n`,
    "index.ts": OK,
  });
  const running = await startDev(cwd);
  onTestFinished(() => running.stop().then(() => {}));
  const warnings = running.running.events.flatMap(({ reason, diagnostic }) =>
    reason === "warning" ? [diagnostic] : [],
  );
  const said = warnings.map(({ message, location }) => `${location?.line} ${message.split(" ")[0]}`);
  expect(said.sort()).toEqual(["5 `dev.host`", "6 `dev.upstream_protocol`", "7 `dev.inspector_ip`"]);
});

it("says at its line that a change waits for the next start", async () => {
  const cwd = testFolder({ "wrangler.toml": `${CONFIG}[dev]\nport = 1\nip = "127.0.0.1"\n`, "index.ts": OK });
  const running = await startDev(cwd);
  onTestFinished(() => running.stop().then(() => {}));
  const before = running.mark();
  writeFiles(cwd, { "wrangler.toml": `${CONFIG}[dev]\nport = 2\nip = "0.0.0.0"\n` });
  const { diagnostic } = await running.next("warning", before);
  // The port is the command line's, whatever the file says.
  expect(diagnostic).toMatchObject({ code: "needs-restart", location: { line: 6 } });
  expect(diagnostic.message).toBe("`dev.ip` counts from the next start of `troupe dev` on");
  expect(running.running.events.slice(before).filter(({ reason }) => reason === "warning")).toHaveLength(1);
});

async function listen(port: number, host: string): Promise<net.Server> {
  const server = net.createServer().listen(port, host);
  await once(server, "listening");
  return server;
}
