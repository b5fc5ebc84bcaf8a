/** Flags of `troupe dev`, most of them in one run. */
import { once } from "node:events";
import https from "node:https";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { troupe } from "../support/cli.ts";
import { type Dev, request, startDev } from "../support/dev.ts";
import { makeFolder, removeFolder, testFolder, writeFiles } from "../support/files.ts";

const FILES = {
  "app/troupe.toml": `name = "app"
main = "missing.ts"
compatibility_date = "2020-01-01"

[vars]
COLOUR = "blue"
SIZE = 3
`,
  "app/main.ts": `import { what } from "@/what";
import { where } from "place";

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === "/page") return new Response("<p>page</p>", { headers: { "content-type": "text/html" } });
    const { COLOUR, SIZE, KEY } = env;
    return Response.json({ COLOUR, SIZE, KEY, what, where, built: BUILT, url: request.url, navigator: typeof navigator });
  },
};
`,
  "app/src/place.ts": `export const where = "the alias";\n`,
  "app/src/what.ts": `export const what = "a path of tsconfig";\n`,
  "app/alternative.json": `{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }`,
  "app/some.env": `KEY="from the file"\n`,
  "app/.dev.vars": `KEY="not read"\n`,
};

describe("in one run", () => {
  let folder: string;
  let dev: Dev;
  beforeAll(async () => {
    folder = makeFolder(FILES);
    dev = await startDev(folder, [
      ...[
        "app/main.ts",
        "-c",
        "app/troupe.toml",
        "--local-protocol",
        "https",
        "--live-reload",
        "--inspector-port",
        "0",
      ],
      ...["--var", "COLOUR:red:ish", "--env-file", "app/some.env", "--define", `BUILT:"today"`],
      ...[
        "--alias",
        "place:./src/place.ts",
        "--tsconfig",
        "app/alternative.json",
        "--compatibility-date",
        "2026-11-01",
      ],
    ]);
  });
  afterAll(async () => {
    await dev?.stop();
    removeFolder(folder);
  });

  it("answers over https, with a certificate made on the spot", async () => {
    expect(dev.ready.url).toMatch(/^https:/);
    expect((await get("/")).status).toBe(200);
  });

  it("takes vars, files, defines, aliases, date and entry from the command line", async () => {
    expect(JSON.parse((await get("/")).body)).toMatchObject({
      COLOUR: "red:ish",
      SIZE: 3,
      KEY: "from the file",
      what: "a path of tsconfig",
      where: "the alias",
      built: "today",
      url: expect.stringMatching(/^https:/),
      // Only there since a date in 2022.
      navigator: "object",
    });
  });

  it("reloads pages in the browser", async () => {
    const page = await get("/page", { accept: "text/html" });
    const [, url] = /fetch\("([^"]+)"\)/.exec(page.body) ?? [];
    const reloaded = get(url!);
    await dev.reloadAfter(() => writeFiles(folder, { "app/src/place.ts": `export const where = "elsewhere";\n` }));
    expect((await reloaded).status).toBe(200);
    expect(JSON.parse((await get("/")).body).where).toBe("elsewhere");
  });

  it("opens the inspector", async () => {
    const { port } = new URL(dev.ready.inspectorUrl);
    const targets = JSON.parse((await request(Number(port), "127.0.0.1", "/json")).body);
    expect(targets.length).toBeGreaterThan(0);
    expect(targets[0].webSocketDebuggerUrl).toContain(`:${port}/`);
  });

  function get(url: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = https.get(
        { host: "127.0.0.1", port: dev.port, path: url, headers, rejectUnauthorized: false, agent: false },
        (response) => {
          let body = "";
          response.setEncoding("utf8").on("data", (chunk) => {
            body += chunk;
          });
          response.once("end", () => resolve({ status: response.statusCode!, body }));
        },
      );
      outgoing.once("error", reject);
    });
  }
});

it("refuses an inspector port that is taken, naming who holds it", async () => {
  const holder = net.createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as net.AddressInfo;
  const { code, stderr } = await troupe(["dev", "main.ts", "--inspector-port", String(port)], {
    cwd: `${testFolder({ ...FILES })}/app`,
  });
  holder.close();
  expect(code).toBe(6);
  expect(stderr).toContain(`Port ${port} is in use by process ${process.pid}`);
  expect(stderr).toContain("leave --inspector-port away");
});

it.each([
  [["--remote"], "--remote"],
  [["--var", "COLOUR"], "KEY:VALUE"],
  [["--https-key-path", "key.pem"], "--https-cert-path"],
  [["--persist-too", "x"], "--persist-to"],
  [["--local-protocol", "ftp"], "https"],
])("refuses %j", async (args, said) => {
  const { code, stderr } = await troupe(["dev", ...args], { cwd: testFolder({ ...FILES }) });
  expect(code).toBe(2);
  expect(stderr).toContain(said);
});
