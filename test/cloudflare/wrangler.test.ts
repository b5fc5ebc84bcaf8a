/** The reference is the real Wrangler: both deploy the same projects to the same server, and the account must come out equal. */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFolder, removeFolder, writeFiles } from "../support/files.ts";
import type { Cloud } from "./cloud.ts";
import { deployOurs } from "./ours.ts";
import { HOLDS, NEIGHBOUR, PROJECTS, type Project, projectFiles } from "./projects.ts";
import { type CloudServer, startCloud } from "./server.ts";

const WRANGLER = path.join(
  path.dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);
/** Each of them takes a processor for two seconds. */
const AT_ONCE = 3;

let folder: string;
const accounts: Record<"wrangler" | "troupe", CloudServer> = {} as never;
const failures = new Map<string, string>();

beforeAll(async () => {
  folder = makeFolder();
  for (const name of ["wrangler", "troupe"] as const) {
    accounts[name] = await startCloud();
    fill(accounts[name].cloud);
  }
  for (const server of Object.values(accounts)) {
    const cwd = write(NEIGHBOUR);
    await deployOurs(server, cwd);
  }
  for (const project of PROJECTS) {
    if (!project.before) continue;
    const cwd = write(project, project.before);
    for (const server of Object.values(accounts)) await deployOurs(server, cwd);
  }
  const waiting = [...PROJECTS];
  const worker = async (): Promise<void> => {
    for (let project = waiting.shift(); project; project = waiting.shift()) {
      const cwd = write(project);
      await wrangler(project, cwd).catch((error) => failures.set(`${project!.name} with Wrangler`, String(error)));
      await deployOurs(accounts.troupe, cwd, {
        ...(project.env && { env: project.env }),
        ...(project.secrets && { secrets: project.secrets }),
      }).catch((error) =>
        failures.set(`${project!.name} with troupe`, `${error.stack}\n${(error.notes ?? []).join("\n")}`),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}, 120_000);

afterAll(async () => {
  await Promise.all(Object.values(accounts).map((server) => server.close()));
  removeFolder(folder);
});

function fill(cloud: Cloud): void {
  cloud.kv.push(...HOLDS.kv);
  cloud.d1.push(...HOLDS.d1);
  cloud.r2.push(...HOLDS.r2.map((name) => ({ name })));
  cloud.queues.push(
    ...HOLDS.queues.map((queue_name, index) => ({ queue_id: `queue-${index}`, queue_name, consumers: [] })),
  );
  cloud.certificates.push(...HOLDS.certificates);
}

function write(project: Project, config?: Record<string, unknown>): string {
  const cwd = path.join(folder, project.name);
  writeFiles(cwd, projectFiles(project, config));
  return cwd;
}

function wrangler({ env, secrets }: Project, cwd: string): Promise<void> {
  const args = ["deploy", ...(env ? ["--env", env] : []), ...(secrets ? ["--secrets-file", "secrets.json"] : [])];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [WRANGLER, ...args],
      {
        cwd,
        env: {
          ...process.env,
          ...accounts.wrangler.env,
          CI: "1",
          WRANGLER_SEND_METRICS: "false",
          XDG_CONFIG_HOME: path.join(folder, ".config"),
          NO_COLOR: "1",
        },
      },
      (error, stdout, stderr) => (error ? reject(new Error(`${stdout}\n${stderr}`)) : resolve()),
    );
  });
}

/** docs/cloudflare.md lists these with their reasons. */
const OURS_ALONE = { modules: ["troupe.json"], tags: /^cf:(service|environment)=/ };

/** What a Worker is, on the network. */
function workerIn(cloud: Cloud, name: string) {
  const script = cloud.scripts.get(name)!;
  const version = cloud.active(name)!;
  const {
    bindings: _,
    annotations: __,
    package_dependencies: ___,
    assets,
    keep_bindings,
    ...metadata
  } = version.metadata;
  return {
    metadata: {
      ...metadata,
      ...(assets && { assets: assets.config }),
      ...(keep_bindings && { keep_bindings: [...keep_bindings].sort() }),
    },
    bindings: Object.fromEntries(version.bindings.map((binding) => [binding.name, binding])),
    modules: Object.fromEntries(
      Object.entries(version.parts)
        .filter(([part]) => !OURS_ALONE.modules.includes(part))
        .map(([part, { type, filename, contents }]) => [
          part.replace(/^\.\//, ""),
          {
            type,
            filename: filename.replace(/^\.\//, ""),
            ...(type !== "application/source-map" && { contents: contents.toString() }),
          },
        ]),
    ),
    assets:
      version.assets && Object.fromEntries(Object.entries(version.assets).map(([file, { size }]) => [file, size])),
    secrets: version.secrets,
    headers: version.headers,
    migration_tag: script.migration_tag,
    classes: [...script.classes].sort(),
    subdomain: script.subdomain,
    schedules: script.schedules,
    routes: script.routes.map(({ id: _id, ...route }) => route),
    settings: {
      ...script.settings,
      tail_consumers: script.settings.tail_consumers ?? [],
      observability: script.settings.observability ?? { enabled: false },
    },
    tags: script.tags.filter((tag) => !OURS_ALONE.tags.test(tag)),
    domains: cloud.domains.filter(({ service }) => service === name).map(({ id: _id, ...domain }) => domain),
    consumers: cloud.queues.flatMap(({ queue_name, consumers }) =>
      consumers
        .filter(({ script: of }) => of === name)
        .map(({ consumer_id: _id, ...consumer }) => ({ queue_name, ...consumer })),
    ),
    workflows: [...cloud.workflows.values()].filter(({ script_name }) => script_name === name),
  };
}

test.each(PROJECTS)("$name comes out as with Wrangler", ({ name, env }) => {
  expect(failures.get(`${name} with Wrangler`)).toBeUndefined();
  expect(failures.get(`${name} with troupe`)).toBeUndefined();
  const script = env ? `${name}-${env}` : name;
  expect(accounts.troupe.cloud.scripts.has(script)).toBe(true);
  expect(workerIn(accounts.troupe.cloud, script)).toEqual(workerIn(accounts.wrangler.cloud, script));
});

test("nothing is made that Wrangler does not make", () => {
  const names = ({ cloud }: CloudServer) => ({
    scripts: [...cloud.scripts.keys()].sort(),
    kv: cloud.kv,
    d1: cloud.d1,
    r2: cloud.r2,
    certificates: cloud.certificates,
  });
  expect(names(accounts.troupe)).toEqual(names(accounts.wrangler));
});
