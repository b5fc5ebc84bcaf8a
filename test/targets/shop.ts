/** A small workspace that is deployed: gateway → auth, in staging and production; in either dialect. */
import path from "node:path";
import { deploy } from "../../src/ops/deploy.ts";
import { type TargetSelection, withTarget } from "../../src/ops/target.ts";
import type { ChangeReport, DeploymentInfo, EnvironmentDetail, Target, VersionInfo } from "../../src/targets/target.ts";

export type Dialect = "troupe" | "wrangler";

/** Values that must not be seen anywhere. */
export const SECRETS = { staging: "t0ken-of-staging-7f3a", production: "t0ken-of-production-91cc" };

export const ROOT_CONFIG = `[workspace]
members = ["services/*"]

[pipeline]
stages = ["preview", "staging", "production"]
`;

const GATEWAY = `export default {
  async fetch(request, env) {
    const user = await env.AUTH.fetch(request);
    return new Response(env.GREETING + ", " + (await user.text()));
  },
};
`;

const AUTH = `export default {
  async fetch(request, env) {
    await env.SESSIONS.put("last", env.REALM);
    return new Response(env.REALM + " " + env.TOKEN.length);
  },
};
`;

const TROUPE = {
  "services/gateway/troupe.toml": `name = "gateway"
main = "index.js"
compatibility_date = "2026-11-01"
services = [{ binding = "AUTH", service = "auth" }]

[vars]
GREETING = "hello"

[env.staging.vars]
GREETING = "hello from staging"
`,
  "services/auth/troupe.toml": `name = "auth"
main = "index.js"
compatibility_date = "2026-11-01"
kv_namespaces = [{ binding = "SESSIONS" }]
secrets = { required = ["TOKEN"] }

[vars]
REALM = "live"

[env.staging.vars]
REALM = "test"
`,
};

const WRANGLER = {
  "services/gateway/wrangler.jsonc": json({
    name: "gateway",
    main: "index.js",
    compatibility_date: "2026-11-01",
    services: [{ binding: "AUTH", service: "auth" }],
    vars: { GREETING: "hello" },
    env: {
      staging: {
        services: [{ binding: "AUTH", service: "auth-staging" }],
        vars: { GREETING: "hello from staging" },
      },
    },
  }),
  "services/auth/wrangler.jsonc": json({
    name: "auth",
    main: "index.js",
    compatibility_date: "2026-11-01",
    kv_namespaces: [{ binding: "SESSIONS", id: "sessions" }],
    secrets: { required: ["TOKEN"] },
    vars: { REALM: "live" },
    env: {
      staging: {
        kv_namespaces: [{ binding: "SESSIONS", id: "staging-sessions" }],
        secrets: { required: ["TOKEN"] },
        vars: { REALM: "test" },
      },
    },
  }),
};

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Path → text of the whole workspace. */
export function shopFiles(dialect: Dialect): Record<string, string> {
  return {
    "troupe.toml": ROOT_CONFIG,
    ...Object.fromEntries(
      Object.entries(SECRETS).map(([env, TOKEN]) => [secretsFile(env as keyof typeof SECRETS), json({ TOKEN })]),
    ),
    "services/gateway/index.js": GATEWAY,
    "services/auth/index.js": AUTH,
    ...(dialect === "troupe" ? TROUPE : WRANGLER),
  };
}

/** From the workspace's root. */
export function secretsFile(env: keyof typeof SECRETS): string {
  return `secrets.${env}.json`;
}

/** How ops are told about a folder. */
export function selectionOf(cwd: string): TargetSelection {
  return { cwd, processEnv: { HOME: cwd }, now: () => new Date() };
}

/** Both environments of both services, with their secret. */
export async function deployShop(selection: TargetSelection): Promise<void> {
  for (const env of ["staging", "production"] as const) {
    await deploy({ ...selection, env, secretsFile: secretsFile(env) });
  }
}

export function serviceFile(cwd: string, service: string, file = "index.js"): string {
  return path.join(cwd, "services", service, file);
}

/** `gateway@staging 2` of what was changed, in order. */
export function changedIn({ results }: ChangeReport): string[] {
  return results
    .filter(({ changed }) => changed)
    .map(({ service, environment, version }) => `${service}@${environment} ${version}`);
}

export interface Snapshot {
  environments: EnvironmentDetail[];
  versions: VersionInfo[][];
  deployments: DeploymentInfo[];
}

/** Everything that a target holds, to see that nothing changed. */
export async function snapshot(selection: TargetSelection): Promise<Snapshot> {
  return withTarget(selection, {}, async ({ target }) => {
    const refs = (await target.list()).map(({ service, name }) => ({ service, environment: name }));
    return {
      environments: await Promise.all(refs.map((ref) => target.read(ref))),
      versions: await Promise.all(refs.map((ref) => target.versions(ref))),
      deployments: await target.deployments(),
    };
  });
}

/** Asks the target itself. */
export function ask<T>(selection: TargetSelection, question: (target: Target) => Promise<T>): Promise<T> {
  return withTarget(selection, {}, ({ target }) => question(target));
}

/** Name → value of an environment's vars, as its active version has them. */
export async function varsOf(selection: TargetSelection, service: string, environment: string) {
  const { environment: resolved } = await ask(selection, (target) => target.version({ service, environment }));
  return Object.fromEntries(
    resolved.bindings.filter(({ kind }) => kind === "var").map(({ name, entry }) => [name, entry.value]),
  );
}

/** Binding → id of the resource that it names. */
export async function resourcesOf(selection: TargetSelection, service: string, environment: string) {
  const { environment: resolved } = await ask(selection, (target) => target.version({ service, environment }));
  return Object.fromEntries(resolved.bindings.flatMap(({ name, resource }) => (resource ? [[name, resource.id]] : [])));
}
