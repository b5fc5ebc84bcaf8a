/** The reference is the real Wrangler: both deploy the same projects to the same server, and the account must come out equal. */
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFolder, removeFolder, writeFiles } from "../support/files.ts";
import { Wrangler } from "../support/wrangler.ts";
import type { Cloud, CloudVersion } from "./cloud.ts";
import { differences, listedDifferences } from "./differences.ts";
import { deployOurs } from "./ours.ts";
import { HOLDS, NEIGHBOUR, PROJECTS, type Project, projectFiles, REFUSED } from "./projects.ts";
import { type CloudServer, startCloud } from "./server.ts";

let folder: string;
const wrangler = new Wrangler();
const accounts: Record<"wrangler" | "troupe", CloudServer> = {} as never;
const failures = new Map<string, string>();

beforeAll(async () => {
  folder = makeFolder();
  for (const name of ["wrangler", "troupe"] as const) {
    const server = await startCloud();
    accounts[name] = server;
    fill(server.cloud);
    server.fault = ({ method, path: asked }) =>
      method === REFUSED.method && REFUSED.path.test(asked) ? { status: 403, code: 10000 } : undefined;
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
  for (const project of PROJECTS) write(project);
  const each = async (who: string, deploy: (project: Project, cwd: string) => Promise<unknown>): Promise<void> => {
    for (const project of PROJECTS) {
      await deploy(project, path.join(folder, project.name)).catch(({ stack, notes = [] }) =>
        failures.set(`${project.name} with ${who}`, `${stack}\n${notes.join("\n")}`),
      );
    }
  };
  await Promise.all([
    each("Wrangler", ({ env, secrets }, cwd) =>
      wrangler.run(["deploy", ...(env ? ["--env", env] : []), ...(secrets ? ["--secrets-file", "secrets.json"] : [])], {
        cwd,
        env: accounts.wrangler.env,
      }),
    ),
    each("troupe", ({ env, secrets }, cwd) =>
      deployOurs(accounts.troupe, cwd, { ...(env && { env }), ...(secrets && { secrets }) }),
    ),
  ]);
}, 120_000);

afterAll(async () => {
  await Promise.all([wrangler.close(), ...Object.values(accounts).map((server) => server.close())]);
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

/** What a Worker is, on the network: everything by its name, since nothing of it has an order. */
function workerIn(cloud: Cloud, name: string) {
  const script = cloud.scripts.get(name)!;
  const version = cloud.active(name)!;
  const { bindings: _, assets, keep_bindings = [], ...metadata } = version.metadata;
  const byName = <T>(items: readonly T[], nameOf: (item: T) => string) =>
    Object.fromEntries(items.map((item) => [nameOf(item), item]));
  const without = <T extends object>(item: T, ...keys: string[]) =>
    Object.fromEntries(Object.entries(item).filter(([key]) => !keys.includes(key)));
  return {
    metadata: {
      ...metadata,
      // The token for having uploaded them is another one each time.
      ...(assets && { assets: assets.config }),
      keep_bindings: byName(keep_bindings as string[], (kind) => kind),
    },
    bindings: byName(
      version.bindings.map((binding) => withNames(cloud, binding)),
      ({ name: binding }) => binding,
    ),
    modules: Object.fromEntries(
      // `./a.txt` and `a.txt` are the same path.
      Object.entries(version.parts).map(([part, { contents, type, filename }]) => [
        path.posix.normalize(part),
        { type, filename: path.posix.normalize(filename), contents: contentsOf(type, contents) },
      ]),
    ),
    assets:
      version.assets &&
      Object.fromEntries(
        Object.entries(version.assets).map(([file, { hash, size }]) => [
          file,
          { size, type: cloud.assetTypes.get(hash) },
        ]),
      ),
    secrets: version.secrets,
    headers: version.headers,
    migration_tag: script.migration_tag,
    classes: [...script.classes].sort(),
    subdomain: script.subdomain,
    schedules: byName(script.schedules, (cron) => cron),
    routes: byName(
      script.routes.map((route) => without(route, "id")),
      ({ pattern }) => pattern as string,
    ),
    settings: {
      ...script.settings,
      tail_consumers: script.settings.tail_consumers ?? [],
      observability: script.settings.observability ?? { enabled: false },
    },
    tags: byName(script.tags, (tag) => tag),
    domains: byName(
      cloud.domains.filter(({ service }) => service === name).map((domain) => without(domain, "id")),
      ({ hostname }) => hostname as string,
    ),
    consumers: Object.fromEntries(
      cloud.queues.flatMap(({ queue_name, consumers }) =>
        consumers
          .filter(({ script: of }) => of === name)
          .map((consumer) => [queue_name, without(consumer, "consumer_id")]),
      ),
    ),
    workflows: byName(
      [...cloud.workflows.values()].filter(({ script_name }) => script_name === name),
      ({ name: workflow }) => workflow,
    ),
  };
}

/** Source maps are written in many ways. */
function contentsOf(type: string, contents: Buffer): unknown {
  if (type !== "application/source-map") return contents.toString("latin1");
  const { sources, sourcesContent, mappings, names } = JSON.parse(contents.toString());
  return { sources, sourcesContent, mappings, names };
}

/** Ids of what was made are other ones in each account. */
function withNames({ kv, d1 }: Cloud, binding: CloudVersion["bindings"][number]) {
  const { namespace_id, id } = binding;
  const title = kv.find((each) => each.id === namespace_id)?.title;
  const database = d1.find(({ uuid }) => uuid === id)?.name;
  return { ...binding, ...(title && { namespace_id: title }), ...(database && { id: database }) };
}

const LISTED = listedDifferences();
/** Patterns of the page that were needed. */
const needed = new Set<string>();

test.each(PROJECTS)("$name comes out as with Wrangler", ({ name, env, script = env ? `${name}-${env}` : name }) => {
  expect(failures.get(`${name} with Wrangler`)).toBeUndefined();
  expect(failures.get(`${name} with troupe`)).toBeUndefined();
  expect(accounts.troupe.cloud.scripts.has(script)).toBe(true);
  const [ours, theirs] = [accounts.troupe, accounts.wrangler].map(({ cloud }) => workerIn(cloud, script));
  const unlisted = differences(ours, theirs).filter((difference) => {
    const reasons = LISTED.filter(({ covers }) => covers(difference));
    for (const { pattern } of reasons) needed.add(pattern);
    return reasons.length === 0;
  });
  if (unlisted.length > 0) expect(ours, unlisted.join("\n")).toEqual(theirs);
});

test("docs/cloudflare.md lists no difference that there is not", () => {
  expect(LISTED.map(({ pattern }) => pattern).filter((pattern) => !needed.has(pattern))).toEqual([]);
});

test("nothing is made that Wrangler does not make", () => {
  const names = ({ cloud }: CloudServer) => ({
    scripts: [...cloud.scripts.keys()].sort(),
    kv: cloud.kv.map(({ title }) => title).sort(),
    d1: cloud.d1.map(({ name }) => name).sort(),
    r2: cloud.r2.map(({ name }) => name).sort(),
    queues: cloud.queues.map(({ queue_name }) => queue_name).sort(),
    certificates: cloud.certificates,
  });
  expect(names(accounts.troupe)).toEqual(names(accounts.wrangler));
});
