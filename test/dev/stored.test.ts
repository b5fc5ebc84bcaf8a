/** A service that is bound and not in the workspace is taken from what was deployed to its store. */
import path from "node:path";
import { expect, it } from "vitest";
import { troupe } from "../support/cli.ts";
import { startDev } from "../support/dev.ts";
import { testFolder } from "../support/files.ts";

const AUTH = {
  "auth/troupe.toml": `name = "auth"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\nworkers_dev = false\n[assets]\ndirectory = "public"\nbinding = "ASSETS"\n`,
  "auth/public/hello.txt": "from a file",
  "auth/index.js": `export default { async fetch(request, env) {
  const asset = await env.ASSETS.fetch("http://x/hello.txt");
  return new Response("auth says " + env.TOKEN + ", " + (await asset.text()));
} };`,
};
const GATEWAY = {
  "gateway/troupe.toml": `name = "gateway"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[[services]]\nbinding = "AUTH"\nservice = "auth"\n`,
  "gateway/index.js": `export default { fetch: (request, env) => env.AUTH.fetch(request) };`,
};

it("runs what was deployed, with its secrets and files", async () => {
  const folder = testFolder({ ...AUTH, ...GATEWAY });
  const state = path.join(folder, "state");
  const env = { TROUPE_STATE_DIR: state };
  const deployed = await troupe(["deploy"], { cwd: path.join(folder, "auth"), env });
  expect(deployed.code, deployed.stderr).toBe(0);
  const secret = await troupe(["secret", "put", "TOKEN"], { cwd: path.join(folder, "auth"), env, input: "sesame\n" });
  expect(secret.code, secret.stderr).toBe(0);

  const dev = await startDev(path.join(folder, "gateway"), [], { env });
  try {
    expect((await dev.get("gateway")).body).toBe("auth says sesame, from a file");
    const [gateway] = dev.ready.graph.services;
    expect(gateway.bindings[0]).toMatchObject({ name: "AUTH", service: "auth", why: "deployed" });
    // It is private, and not this workspace's to show.
    expect(Object.keys(dev.ready.urls)).toEqual(["gateway"]);
  } finally {
    await dev.stop();
  }
});

it("says how to add a service that is nowhere", async () => {
  const folder = testFolder(GATEWAY);
  const dev = await startDev(path.join(folder, "gateway"));
  try {
    const { status, body } = await dev.get("gateway");
    expect(status).toBe(503);
    expect(body).toContain(`Service "auth" is not running: it is neither in this workspace nor deployed.`);
  } finally {
    await dev.stop();
  }
});
