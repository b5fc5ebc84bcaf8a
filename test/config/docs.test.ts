/** docs/config.md against the code: every key is there, in its class, and every example loads. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadWorkspace } from "../../src/config/index.ts";
import { BINDING_GROUPS, SETTING_KEYS } from "../../src/config/keys.ts";

const page = await readFile(path.join(import.meta.dirname, "../../docs/config.md"), "utf8");

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "troupe-docs-"));
});

afterAll(() => rm(dir, { recursive: true }));

async function project(text: string, folder: string): Promise<void> {
  await mkdir(path.join(folder, "src"), { recursive: true });
  await writeFile(path.join(folder, "src/index.ts"), "");
  await writeFile(path.join(folder, "troupe.toml"), text);
}

const head = (name: string) => `name = "${name}"\nmain = "src/index.ts"\ncompatibility_date = "2026-11-01"\n`;

describe("docs/config.md", () => {
  const examples = [...page.matchAll(/^```toml\n([\s\S]*?)^```/gm)].map((match) => match[1]!);

  const joined = examples.find((text) => text.includes("[workspace.services"))!;

  it.each(
    examples
      .filter((text) => text !== joined)
      .map((text) => [text.split("\n").find((line) => !line.startsWith("#"))!, text]),
  )("the example of %s loads", async (_, text) => {
    const folder = await mkdtemp(path.join(dir, "example-"));
    const isWorkspace = text.includes("[workspace]");
    await project(isWorkspace || text.includes("name =") ? text : head("shop") + text, folder);
    if (isWorkspace)
      for (const name of ["gateway", "auth", "old"]) await project(head(name), path.join(folder, "services", name));
    const { workspace, warnings } = await loadWorkspace({ cwd: folder, processEnv: {} });
    expect(warnings).toEqual([]);
    if (isWorkspace) expect(workspace.services.map(({ name }) => name)).toEqual(["gateway", "auth"]);
  });

  it("the example of environments with files of their own loads", async () => {
    const folder = await mkdtemp(path.join(dir, "joined-"));
    await project(joined, folder);
    await mkdir(path.join(folder, "preview/src"), { recursive: true });
    await writeFile(path.join(folder, "preview/src/index.ts"), "");
    await writeFile(path.join(folder, "wrangler.toml"), head("my-worker"));
    await writeFile(path.join(folder, "wrangler.staging.toml"), head("my-worker-staging"));
    const preview = { name: "my-worker-preview", main: "src/index.ts", compatibility_date: "2026-11-01" };
    await writeFile(path.join(folder, "preview/wrangler.jsonc"), JSON.stringify(preview));
    const { workspace, warnings } = await loadWorkspace({ cwd: folder, processEnv: {} });
    expect(warnings).toEqual([]);
    expect(workspace.services.map(({ name, environments }) => [name, Object.keys(environments)])).toEqual([
      ["my-worker", ["production", "staging", "preview"]],
    ]);
  });

  it("says truly what the example of isolation comes to", async () => {
    const folder = await mkdtemp(path.join(dir, "isolation-"));
    await project(head("shop") + examples.find((text) => text.includes("FLAGS"))!, folder);
    const { workspace } = await loadWorkspace({ cwd: folder, processEnv: {} });
    const environments = Object.values(workspace.services[0]!.environments);
    const rows = ["SESSIONS", "FLAGS", "CACHE"].map((name) => {
      const cells = environments.map(({ bindings }) => bindings.find((binding) => binding.name === name)!.resource!.id);
      return [name, ...cells];
    });
    const table = [...page.matchAll(/^\| `(SESSIONS|FLAGS|CACHE)` \|(.*)\|$/gm)];
    expect(
      table.map(([, name, cells]) => [name, ...cells!.split("|").map((cell) => /`(.*?)`/.exec(cell)![1])]),
    ).toEqual(rows);
  });

  const rows = [...page.slice(page.indexOf("## Every key")).matchAll(/^\| (`.*?) \|.*\| ([tin–]) \| (.*)\|$/gm)];
  const listed = new Map(
    rows.flatMap(([, keys, wrangler]) => keys!.split(", ").map((key) => [key.replaceAll("`", ""), wrangler] as const)),
  );

  it("has every key, in Wrangler's class", () => {
    const classes = { inheritable: "i", separate: "n", "top-level": "t" };
    const settings = Object.entries(SETTING_KEYS).map(
      ([key, { wrangler }]) => [key, wrangler ? classes[wrangler] : "–"] as const,
    );
    const bindings = [...BINDING_GROUPS].map(([key, { inheritable }]) => [key, inheritable ? "i" : "n"] as const);
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries([...settings, ...bindings]));
  });

  it("leads to headings that are there", () => {
    const headings = [...page.matchAll(/^#+ (.*)$/gm)].map((match) => match[1]!.toLowerCase().replaceAll(" ", "-"));
    for (const [, target] of page.matchAll(/\]\(#(.*?)\)/g)) expect(headings).toContain(target);
  });
});
