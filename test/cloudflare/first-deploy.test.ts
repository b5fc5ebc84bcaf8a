/** Deploys that several make at once, that cannot be taken back entirely, and whose order matters. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { deploy } from "../../src/ops/deploy.ts";
import { readVersion } from "../../src/targets/cloudflare/annotations.ts";
import { testFolder, writeFiles } from "../support/files.ts";
import { deployOurs } from "./ours.ts";
import { type CloudServer, type Seen, startCloud } from "./server.ts";

let server: CloudServer;
let cwd: string;
beforeAll(async () => {
  server = await startCloud();
});
afterAll(() => server.close());
beforeEach(() => {
  server.reset();
  cwd = testFolder({ "troupe.toml": '[workspace]\nmembers = ["*"]\n' });
});

const at = () => server.at(cwd);

function write(name: string, more: string, code = `export default { fetch: () => new Response("${name}") };`): void {
  writeFiles(cwd, {
    [`${name}/troupe.toml`]: `name = "${name}"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n${more}`,
    [`${name}/index.js`]: `${code}\n`,
  });
}

const RESOURCES = `kv_namespaces = [{ binding = "K" }]
d1_databases = [{ binding = "D" }]
r2_buckets = [{ binding = "R" }]
queues = { producers = [{ binding = "Q", queue = "jobs" }] }
`;

const held = () => [
  ...server.cloud.kv.map(({ title }) => title),
  ...server.cloud.d1.map(({ name }) => name),
  ...server.cloud.r2.map(({ name }) => name),
  ...server.cloud.queues.map(({ queue_name }) => queue_name),
];

test("two at once make each resource once, and both succeed", async () => {
  write("shop", RESOURCES);
  // Each of the two has found nothing when the other begins to make it.
  const waiting = new Map<string, () => void>();
  server.hold = ({ method, path }: Seen) => {
    const isMaking = method === "POST" && /namespaces|database|buckets|queues$/.test(path);
    if (!isMaking) return undefined;
    const other = waiting.get(path);
    if (other) {
      other();
      return undefined;
    }
    return new Promise<void>((resolve) => waiting.set(path, resolve));
  };
  const reports = await Promise.all([deploy(at()), deploy(at())]);
  server.hold = undefined;
  expect(waiting.size).toBe(4);
  expect(held()).toEqual(["shop-k", "shop-d", "shop-r", "jobs"]);
  expect(reports.map(({ results }) => results[0]!.changed)).toEqual([true, true]);
});

test("one that fails says which resources it has made and left", async () => {
  write("shop", RESOURCES, 'throw new Error("not today");\nexport default {};');
  const error = await deploy(at()).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "START" });
  expect(error.notes).toContain(
    "Made, and found again by the next deploy: KV namespace shop-k, D1 database shop-d, R2 bucket shop-r, Queue jobs",
  );
});

test("one that fails leaves a Worker alone that somebody else has deployed to meanwhile", async () => {
  write("auth", "");
  write("shop", 'services = [{ binding = "AUTH", service = "auth" }]\n');
  let others = 0;
  server.hold = async ({ method, path }: Seen) => {
    if (method !== "PUT" || !path.includes("/scripts/shop?") || others++ > 0) return undefined;
    server.fault = (seen) => (seen.path.includes("/scripts/shop?") ? { status: 403, code: 10000 } : undefined);
    write("auth", "", 'export default { fetch: () => new Response("more") };');
    await deploy({ ...at(), service: ["auth"], message: "by somebody else" });
    return undefined;
  };
  const error = await deploy(at()).catch((thrown) => thrown);
  server.hold = undefined;
  expect(error).toMatchObject({ code: "AUTH" });
  expect([...server.cloud.scripts.keys()]).toEqual(["auth"]);
  expect(server.cloud.active("auth")!.parts["index.js"]!.contents.toString()).toContain("more");
  expect(error.notes.join("\n")).toContain("auth@production stays as somebody else has deployed it meanwhile");
});

test("new Workers wait for Durable Object classes that come with the migration of an old one", async () => {
  const code = (...classes: string[]) =>
    `import { DurableObject } from "cloudflare:workers";
${classes.map((name) => `export class ${name} extends DurableObject {}`).join("\n")}
export default { fetch: () => new Response() };`;
  const old = (more: string) => `${more}[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["One"]\n`;
  write("old", old(""), code("One"));
  await deploy(at());
  write(
    "old",
    `${old('services = [{ binding = "YOUNG", service = "young" }]\n')}
[[migrations]]\ntag = "v2"\nnew_sqlite_classes = ["Two"]\n`,
    code("One", "Two"),
  );
  write("young", 'durable_objects = { bindings = [{ name = "TWO", class_name = "Two", script_name = "old" }] }\n');
  await deploy(at());
  expect(server.cloud.active("young")!.bindings).toMatchObject([{ name: "TWO", script_name: "old" }]);
  expect(server.cloud.active("old")!.bindings).toMatchObject([{ name: "YOUNG", service: "young" }]);
});

test("new Durable Object classes exist before those that bind them, also in a circle of services", async () => {
  const code = (...classes: string[]) =>
    `import { DurableObject } from "cloudflare:workers";
${classes.map((name) => `export class ${name} extends DurableObject {}`).join("\n")}
export default { fetch: () => new Response() };`;
  const migrations = (...classes: string[]) =>
    classes.map((name) => `[[migrations]]\ntag = "${name}"\nnew_sqlite_classes = ["${name}"]\n`).join("");
  const config = (other: string, bindings: string, ...classes: string[]) =>
    `services = [{ binding = "OTHER", service = "${other}" }]
durable_objects = { bindings = [${bindings}] }
${migrations(...classes)}`;
  const own = (name: string) => `{ name = "${name.toUpperCase()}", class_name = "${name}" }`;
  const names = ["a", "b", "c"];
  for (const [index, name] of names.entries()) {
    write(name, config(names[(index + 1) % 3]!, own(`One${name}`), `One${name}`), code(`One${name}`));
  }
  await deploy(at());
  for (const [index, name] of names.entries()) {
    const next = names[(index + 1) % 3]!;
    // The last one binds no new class of another.
    const foreign = name === "c" ? "" : `, { name = "FOREIGN", class_name = "Two${next}", script_name = "${next}" }`;
    const bindings = `${own(`One${name}`)}, ${own(`Two${name}`)}${foreign}`;
    write(name, config(next, bindings, `One${name}`, `Two${name}`), code(`One${name}`, `Two${name}`));
  }
  await deploy(at());
  expect(names.map((name) => server.cloud.scripts.get(name)!.migration_tag)).toEqual(["Twoa", "Twob", "Twoc"]);
});

const classes = (...names: string[]) => `import { DurableObject } from "cloudflare:workers";
${names.map((name) => `export class ${name} extends DurableObject {}`).join("\n")}`;
const migrations = (...names: string[]) =>
  names.map((name) => `[[migrations]]\ntag = "${name}"\nnew_sqlite_classes = ["${name}"]\n`).join("");

/** Services of a circle: in the second generation, each has a new class that the one before it binds. */
function writeCircle(names: readonly string[], generation: number): void {
  for (const [index, name] of names.entries()) {
    const next = names[(index + 1) % names.length]!;
    const own = generation === 1 ? [`One${name}`] : [`One${name}`, `Two${name}`];
    const bindings = [
      `{ name = "OWN", class_name = "One${name}" }`,
      ...(generation === 1 ? [] : [`{ name = "NEXT", class_name = "Two${next}", script_name = "${next}" }`]),
    ];
    const code = `${classes(...own)}\nexport default { fetch: () => new Response("${name} ${generation}") };`;
    const files = `assets = { directory = "public" }\n[vars]\nGENERATION = ${generation}\n`;
    write(name, `durable_objects = { bindings = [${bindings}] }\n${files}${migrations(...own)}`, code);
    writeFiles(cwd, { [`${name}/public/page.html`]: `${name} ${generation}` });
  }
}

const codeOf = (name: string) =>
  Object.values(server.cloud.active(name)!.parts)
    .map(({ contents }) => contents.toString())
    .find((text) => text.includes("new Response"));
const boundTo = (name: string) =>
  server.cloud
    .active(name)!
    .bindings.flatMap(({ type, script_name }) =>
      type === "durable_object_namespace" && script_name !== undefined ? [script_name] : [],
    );

test("Workers that bind each other's new classes need one deploy", async () => {
  const names = ["a", "b", "c"];
  writeCircle(names, 1);
  await deploy({ ...at(), message: "one" });
  writeCircle(names, 2);
  server.forget();
  const { results } = await deploy({ ...at(), message: "two" });
  expect(results.map(({ changed, changes }) => [changed, changes])).toEqual(
    names.map(() => [true, expect.arrayContaining(["code", "binding NEXT", "var GENERATION", "file /page.html"])]),
  );
  for (const [index, name] of names.entries()) {
    expect(server.cloud.scripts.get(name)!.migration_tag).toBe(`Two${name}`);
    expect(boundTo(name)).toEqual([names[(index + 1) % names.length]]);
    expect(codeOf(name)).toContain(`${name} 2`);
    expect(server.cloud.active(name)!.metadata.main_module).toBe("index.js");
  }
  // One of them was what it had been, with its new class beside it, until the others had theirs.
  const bridges = [...server.cloud.scripts.values()].flatMap(({ versions }) =>
    versions.filter(({ parts }) => "troupe-bridge.js" in parts),
  );
  expect(bridges).toHaveLength(1);
  const [{ parts, bindings, assets, annotations }] = bridges as [(typeof bridges)[0]];
  expect(parts["index.js"]!.contents.toString()).toMatch(/new Response\("[abc] 1"\)/);
  expect(parts["troupe-bridge.js"]!.contents.toString()).toMatch(/export class Two[abc] \{\}/);
  expect(bindings.map(({ name, text, json }) => text ?? json ?? name).sort()).toEqual([1, "OWN"]);
  expect(Object.keys(assets!)).toEqual(["/page.html"]);
  expect(readVersion(annotations)).toMatchObject({
    message: "version 1 with the Durable Object classes that others wait for",
  });
  expect((await deploy(at())).results.map(({ changed }) => changed)).toEqual(names.map(() => false));
});

test("what has failed between leaves Workers that bind each other's new classes as they were, and goes on", async () => {
  const names = ["a", "b"];
  writeCircle(names, 1);
  await deploy(at());
  const before = server.cloud;
  writeCircle(names, 2);
  server.cloud = before.copy();
  server.forget();
  await deploy(at());
  const isLive = ({ method, path }: Seen) => method === "PUT" && path.includes("excludeScript");
  const steps = server.seen.filter((seen) => isLive(seen) || /\/(versions|deployments)/.test(seen.path));
  const changing = steps.filter(({ method }) => method !== "GET");
  expect(changing.map(({ method }) => method)).toEqual(["PUT", "PUT", "POST", "POST"]);
  for (const step of changing) {
    server.cloud = before.copy();
    server.forget();
    let refused = 0;
    server.fault = ({ method, path }) =>
      method === step.method && path === step.path && refused++ === 0 ? { status: 403, code: 9109 } : undefined;
    const error = await deploy(at()).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "AUTH" });
    const stays = "a@production stays new, since its migration cannot be taken back: run the same command again";
    expect(error.notes.includes(stays)).toBe(changing.indexOf(step) >= 2);
    expect(error.notes.join("\n")).not.toContain("although");
    server.fault = undefined;
    // The migration of the second one is what cannot be taken back: until then nobody notices anything.
    const generation = changing.indexOf(step) < 2 ? [1, 1] : [2, 1];
    expect(names.map(codeOf), `403 at ${step.method} ${step.path}`).toEqual(
      names.map((name, index) => expect.stringContaining(`${name} ${generation[index]}`)),
    );
    await deploy(at());
    expect(names.map(codeOf)).toEqual(names.map((name) => expect.stringContaining(`${name} 2`)));
    expect(names.map(boundTo)).toEqual([["b"], ["a"]]);
  }
});

test("a circle of new classes whose code nobody knows is deployed in two steps", async () => {
  // As Wrangler does it: without the record of what it was made from.
  writeCircle(["a", "b"], 1);
  await deployOurs(server, cwd);
  writeCircle(["a", "b"], 2);
  await deployOurs(server, cwd);
  expect(["a", "b"].map(codeOf)).toEqual([expect.stringContaining("a 2"), expect.stringContaining("b 2")]);
  expect(["a", "b"].map(boundTo)).toEqual([["b"], ["a"]]);
});

test("an interruption does not wait until a busy API wants to be asked again", async () => {
  write("auth", "");
  await deploy(at());
  write("auth", "", 'export default { fetch: () => new Response("more") };');
  const controller = new AbortController();
  const said: string[] = [];
  let asked = 0;
  server.fault = ({ method, path }) => {
    if (method !== "POST" || !path.endsWith("/deployments") || asked++ > 0) return undefined;
    controller.abort();
    return { status: 429, headers: { "retry-after": "50" } };
  };
  const options = { signal: controller.signal, onProgress: (message: string) => void said.push(message) };
  const error = await deploy({ ...at(), ...options }).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "INTERRUPTED" });
  expect(error.notes).toContain("Everything is as it was before");
  expect(said.at(-1)).toBe("Putting everything back");
  expect(server.cloud.active("auth")!.number).toBe(1);
});
