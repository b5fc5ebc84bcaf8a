import { afterAll, beforeAll } from "vitest";
import { Cloud } from "../cloudflare/cloud.ts";
import { type CloudServer, startCloud } from "../cloudflare/server.ts";
import { targetSuite } from "./suite.ts";

let server: CloudServer;
beforeAll(async () => {
  server = await startCloud();
});
afterAll(() => server.close());

/** Folder of a template → the account that it was deployed to. */
const accounts = new Map<string, Cloud>();

targetSuite("cloudflare", {
  dialects: ["troupe", "wrangler"],
  hidesSecrets: true,
  hostname: (service, environment) =>
    `${environment === "production" ? service : `${service}-${environment}`}.acme.workers.dev`,
  selection(cwd, template) {
    server.cloud = template === undefined ? new Cloud() : accounts.get(template)!.copy();
    if (template === undefined) accounts.set(cwd, server.cloud);
    return { target: "cloudflare", processEnv: { HOME: cwd, ...server.env } };
  },
});
