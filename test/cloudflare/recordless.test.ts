/** Versions that cannot carry the config that they were made from: service-worker syntax, and static assets alone. */
import { createHash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { deploy } from "../../src/ops/deploy.ts";
import {
  cloneEnvironment,
  deleteEnvironment,
  promoteEnvironment,
  showEnvironment,
} from "../../src/ops/environments.ts";
import { putSecrets } from "../../src/ops/secrets.ts";
import { changeSettings } from "../../src/ops/settings.ts";
import { testFolder, writeFiles } from "../support/files.ts";
import { changedIn } from "../targets/shop.ts";
import { type CloudServer, startCloud } from "./server.ts";

let server: CloudServer;
beforeAll(async () => {
  server = await startCloud();
});
afterAll(() => server.close());
beforeEach(() => server.reset());

const at = (cwd: string) => server.at(cwd);

const script = (text: string) =>
  `addEventListener("fetch", (event) => event.respondWith(new Response(${JSON.stringify(text)})));\n`;
const OLD = `name = "old"
main = "index.js"
compatibility_date = "2026-11-01"
kv_namespaces = [{ binding = "CACHE" }]
vars = { A = "a" }
`;

describe("service-worker syntax", () => {
  const CRON = 'triggers = { crons = ["0 1 * * *"] }\n';
  const bound = (name: string) =>
    Object.fromEntries(server.cloud.active(name)!.bindings.map((each) => [each.name, each.text ?? each.type]));

  test("keeps what `env set` has laid over the config, also of an environment that the config does not mention", async () => {
    const cwd = testFolder({ "index.js": script("one"), "troupe.toml": OLD });
    await deploy({ ...at(cwd), env: "pr-7", create: true });
    expect((await deploy({ ...at(cwd), env: "pr-7" })).results[0]!.changed).toBe(false);
    await changeSettings(at(cwd), "pr-7", { set: [["vars.A", "b"]] });
    await putSecrets({ ...at(cwd), env: "pr-7" }, { TOKEN: "x" });
    expect(bound("old-pr-7")).toMatchObject({ A: "b" });
    writeFileSync(path.join(cwd, "index.js"), script("two"));
    await deploy({ ...at(cwd), env: "pr-7" });
    expect(bound("old-pr-7")).toMatchObject({ A: "b", CACHE: "kv_namespace" });
    expect(await showEnvironment(at(cwd), "pr-7")).toMatchObject({ settings: { vars: { A: "b" } } });
    writeFileSync(path.join(cwd, "secrets.json"), '{"TOKEN":"y"}');
    await cloneEnvironment({ ...at(cwd), secretsFile: "secrets.json" }, "pr-7", "pr-8");
    expect(bound("old-pr-8")).toMatchObject({ A: "b" });
    expect((await deleteEnvironment({ ...at(cwd), resources: true }, "pr-7")).left).toEqual([]);
    expect(server.cloud.kv.map(({ title }) => title)).toEqual(["old-cache--pr-8"]);
  });

  test("refuses settings that would not fit, and loses none", async () => {
    const cwd = testFolder({ "index.js": script("one"), "troupe.toml": OLD });
    await deploy({ ...at(cwd), env: "pr-7", create: true });
    const noise = Array.from({ length: 60 }, (_, index) => createHash("md5").update(`${index}`).digest("hex")).join("");
    const error = await changeSettings(at(cwd), "pr-7", { set: [["vars.A", noise]] }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "PRECONDITION", message: expect.stringContaining("too large") });
    expect(bound("old-pr-7")).toMatchObject({ A: "a" });
  });

  test("loses its last cron with the config", async () => {
    const cwd = testFolder({ "index.js": script("one"), "troupe.toml": `${OLD}${CRON}` });
    await deploy({ ...at(cwd), env: "production" });
    expect(server.cloud.scripts.get("old")!.schedules).toEqual(["0 1 * * *"]);
    writeFileSync(path.join(cwd, "troupe.toml"), OLD);
    await deploy({ ...at(cwd), env: "production" });
    expect(server.cloud.scripts.get("old")!.schedules).toEqual([]);
  });
});

describe("static assets alone", () => {
  const CONFIG = 'name = "site"\ncompatibility_date = "2026-11-01"\nassets = { directory = "public" }\n';
  const files = (name: string) => Object.keys(server.cloud.active(name)!.assets!);

  test("are promoted and cloned as they were deployed, or not at all", async () => {
    const cwd = testFolder({ "troupe.toml": `${CONFIG}[env.staging]\n`, "public/index.html": "one" });
    const { results } = await deploy({ ...at(cwd), env: "staging" });
    expect(changedIn(await promoteEnvironment(at(cwd), "staging", "production"))).toEqual(["site@production 1"]);
    expect(server.cloud.active("site")!.assets).toEqual(server.cloud.active("site-staging")!.assets);
    expect(await showEnvironment(at(cwd), "production")).toMatchObject({
      active: { contentHash: results[0]!.contentHash, size: results[0]!.size },
    });
    writeFiles(cwd, { "public/more.html": "more" });
    for (const moving of [
      () => promoteEnvironment(at(cwd), "staging", "production"),
      () => cloneEnvironment(at(cwd), "staging", "copy"),
    ]) {
      await expect(moving()).rejects.toMatchObject({
        code: "PRECONDITION",
        message: expect.stringContaining("The static assets of site@staging are not those in"),
      });
    }
    expect([...server.cloud.scripts.keys()].sort()).toEqual(["site", "site-staging"]);
    rmSync(path.join(cwd, "public/more.html"));
    await cloneEnvironment(at(cwd), "staging", "copy");
    expect(files("site-copy")).toEqual(["/index.html"]);
  });

  test("lose their last custom domain with the config", async () => {
    const domain = 'routes = [{ pattern = "www.example.com", custom_domain = true }]\n';
    const cwd = testFolder({ "troupe.toml": `${CONFIG}${domain}`, "public/index.html": "one" });
    await deploy({ ...at(cwd), env: "production" });
    expect(server.cloud.domains).toHaveLength(1);
    writeFileSync(path.join(cwd, "troupe.toml"), CONFIG);
    await deploy({ ...at(cwd), env: "production" });
    expect(server.cloud.domains).toEqual([]);
  });
});
