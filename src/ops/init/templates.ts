/** The projects that `troupe init` can start with. They lie in templates/, whole and runnable. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { packageFolder } from "../../package.ts";

export const TEMPLATES = {
  hello: "A Worker in TypeScript",
  gateway: "A gateway that asks a private auth service",
  canary: "A gateway that splits traffic between two environments of one service",
  api: "A JSON API with Hono and KV",
} as const;

/** Their types are generated; a workspace's services declare their own, because two global `Env` would be one. */
export const WITH_GENERATED_TYPES: readonly TemplateName[] = ["hello", "api"];

export type TemplateName = keyof typeof TEMPLATES;
export const TEMPLATE_NAMES = Object.keys(TEMPLATES) as TemplateName[];

/** Relative path (with `/`) → contents. */
export type ProjectFiles = Map<string, string>;

/** What a template's own runs leave behind. */
const NOT_PART = new Set(["node_modules", ".troupe", ".wrangler"]);

/**
 * The files of a template for a project with this name.
 * @param name a valid service name; a template of one service gives it to that service
 */
export async function templateFiles(template: TemplateName, name: string): Promise<ProjectFiles> {
  const root = path.join(packageFolder(), "templates", template);
  const files: ProjectFiles = new Map();
  const read = async (folder: string): Promise<void> => {
    for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
      if (NOT_PART.has(entry.name)) continue;
      const relative = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) await read(relative);
      else files.set(relative, await readFile(path.join(root, relative), "utf8"));
    }
  };
  await read("");

  const config = files.get("troupe.toml")!;
  files.set("troupe.toml", config.replace(/^name = ".*"$/m, `name = "${name}"`));
  return files;
}
