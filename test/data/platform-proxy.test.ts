import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { getPlatformProxy, type PlatformProxy } from "../../src/index.ts";
import { makeFolder, removeFolder } from "../support/files.ts";

interface Env {
  GREETING: string;
  AUTH: { verify(name: string): Promise<string>; fetch(url: string): Promise<Response> };
  CACHE: { put(key: string, value: string): Promise<void>; get(key: string): Promise<string | null> };
}

let cwd: string;
let proxy: PlatformProxy<Env, { colo: string }>;

beforeAll(async () => {
  cwd = makeFolder({
    "troupe.toml": `[workspace]\nmembers = ["*"]\n`,
    "site/troupe.toml": `name = "site"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\nkv_namespaces = [{ binding = "CACHE" }]\nservices = [{ binding = "AUTH", service = "auth" }]\n[vars]\nGREETING = "hello"\n[env.staging.vars]\nGREETING = "hello, staging"\n`,
    "site/index.ts": "export default { fetch: () => new Response() };\n",
    "auth/troupe.toml": `name = "auth"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n`,
    "auth/index.ts": `import { WorkerEntrypoint } from "cloudflare:workers";\nexport default class extends WorkerEntrypoint { fetch() { return new Response("auth") } verify(name: string) { return name + " is fine" } }\n`,
  });
  proxy = await getPlatformProxy<Env, { colo: string }>({ cwd: path.join(cwd, "site"), persist: false });
});

afterAll(async () => {
  await proxy?.dispose();
  removeFolder(cwd);
});

test("gives vars, data, and bound services that really run", async () => {
  expect(proxy.env.GREETING).toBe("hello");
  await proxy.env.CACHE.put("key", "value");
  expect(await proxy.env.CACHE.get("key")).toBe("value");
  expect(await (await proxy.env.AUTH.fetch("http://auth/")).text()).toBe("auth");
  expect(await proxy.env.AUTH.verify("ann")).toBe("ann is fine");
  expect(proxy.cf.colo).toBe("LOC");
  expect(proxy.ctx.waitUntil(Promise.resolve())).toBeUndefined();
  await proxy.caches.default.put(
    "https://cached.example/",
    new Response("kept", { headers: { "cache-control": "max-age=60" } }),
  );
  const kept = await proxy.caches.default.match("https://cached.example/");
  expect(await kept?.text()).toBe("kept");
});

test("gives another environment", async () => {
  const staging = await getPlatformProxy<Env>({ cwd: path.join(cwd, "site"), environment: "staging", persist: false });
  expect(staging.env.GREETING).toBe("hello, staging");
  await staging.dispose();
});
