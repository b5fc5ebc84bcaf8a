/** What the real Wrangler deployed is recognised, and carried on. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { deploy } from "../../src/ops/deploy.ts";
import { diffEnvironments } from "../../src/ops/diff.ts";
import { listEnvironments, promoteEnvironment, rollback, showEnvironment } from "../../src/ops/environments.ts";
import { listVersions, showVersion } from "../../src/ops/history.ts";
import { putSecrets } from "../../src/ops/secrets.ts";
import { changeSettings } from "../../src/ops/settings.ts";
import { testFolder } from "../support/files.ts";
import { Wrangler } from "../support/wrangler.ts";
import { changedIn } from "../targets/shop.ts";
import { testCloud } from "./server.ts";

test("versions of Wrangler's are listed, promoted, rolled back to, and followed by ours", {
  timeout: 60_000,
}, async () => {
  const server = await testCloud();
  const wrangler = new Wrangler();
  onTestFinished(() => wrangler.close());
  const config = {
    name: "shop",
    main: "index.js",
    compatibility_date: "2026-11-01",
    vars: { GREETING: "hello" },
    env: { staging: { vars: { GREETING: "hello from staging" } } },
  };
  const cwd = testFolder({
    "wrangler.json": JSON.stringify(config),
    "index.js": 'export default { fetch: () => new Response("one") };\n',
  });
  const at = server.at(cwd);
  await wrangler.run(["deploy"], { cwd, env: server.env });
  writeFileSync(path.join(cwd, "index.js"), 'export default { fetch: () => new Response("two") };\n');
  await wrangler.run(["deploy", "--env", "staging"], { cwd, env: server.env });
  const code = (script: string) => {
    const { parts, metadata } = server.cloud.active(script)!;
    return parts[metadata.main_module]!.contents.toString();
  };
  const two = code("shop-staging");

  expect((await listEnvironments(at)).map(({ service, name, version }) => [service, name, version])).toEqual([
    ["shop", "production", 1],
    ["shop", "staging", 1],
  ]);
  expect(await showVersion({ ...at, env: "staging" })).toMatchObject({
    environment: { bindings: [{ name: "GREETING", kind: "var", entry: { value: "hello from staging" } }] },
    modules: [{ name: "index.js", type: "esm" }, { type: "sourcemap" }],
  });
  const [diff] = await diffEnvironments(at, "staging", "production");
  expect(diff!.differences.map(({ kind, name }) => `${kind} ${name}`)).toEqual(["code index.js", "var GREETING"]);

  expect(changedIn(await promoteEnvironment(at, "staging", "production"))).toEqual(["shop@production 2"]);
  expect(code("shop")).toBe(two);
  expect(server.cloud.active("shop")!.bindings).toEqual([{ name: "GREETING", type: "plain_text", text: "hello" }]);
  expect(changedIn(await rollback(at))).toEqual(["shop@production 1"]);
  expect(code("shop")).not.toBe(two);

  // Its own secret stays, and ours come to it.
  await putSecrets({ ...at, env: "staging" }, { TOKEN: "t0ken" });
  await changeSettings(at, "staging", { set: [["vars.GREETING", "hey"]] });
  expect(code("shop-staging")).toBe(two);
  expect(server.cloud.active("shop-staging")!.secrets).toEqual({ TOKEN: "t0ken" });
  expect(changedIn(await deploy({ ...at, env: "staging" }))).toEqual([]);
  writeFileSync(path.join(cwd, "index.js"), 'export default { fetch: () => new Response("three") };\n');
  await deploy({ ...at, env: "staging" });
  expect((await showEnvironment(at, "staging")).settings).toEqual({ vars: { GREETING: "hey" } });
  expect(code("shop-staging")).toContain("three");

  // And Wrangler goes on from there: what `env set` laid over it is not in its config.
  await wrangler.run(["deploy", "--env", "staging"], { cwd, env: server.env });
  const { versions } = await listVersions({ ...at, env: "staging" });
  expect(versions.map(({ number, active }) => [number, active])).toEqual([
    [5, true],
    [4, false],
    [3, false],
    [2, false],
    [1, false],
  ]);
  expect(server.cloud.active("shop-staging")!.secrets).toEqual({ TOKEN: "t0ken" });
});
