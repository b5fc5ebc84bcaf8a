/** Which Wrangler projects lie in and below a folder, and which of them are environments of one service. */
import path from "node:path";
import { globSync } from "tinyglobby";
import { configNames } from "../config/index.ts";
import { PRODUCTION } from "../model.ts";

/** A config file, as far as it matters which service it belongs to. */
export interface Project {
  /** Absolute. */
  file: string;
  name: string;
  /** Its `[env.*]`. */
  environments: string[];
  /** Absolute. */
  main?: string;
}

/** A service, and the files of environments that have their own. */
export interface Group {
  name: string;
  project: Project;
  /** Environment → its file. Holds `production` too, if the service is called other than that file. */
  files: Map<string, Project>;
}

const FILES = ["**/wrangler.{toml,json,jsonc}", "**/wrangler.*.{toml,json,jsonc}", "**/troupe.toml"];
const IGNORED = ["**/node_modules/**", "**/.*/**", "**/dist/**", "**/build/**", "**/vendor/**"];
/** What people call environments. `api-docs` is no environment of `api`. */
const USUAL =
  "dev development local test testing qa uat int integration preview pre preprod preproduction stage staging stg beta alpha canary next sandbox demo prod production live".split(
    " ",
  );
const PRODUCTIONS = ["production", "prod", "live"];

/** @param depth how many folders below `folder` are looked into; 0: only itself */
export async function findProjects(folder: string, depth: number): Promise<Project[]> {
  const files = globSync(FILES, { cwd: folder, ignore: IGNORED, absolute: true, deep: depth + 1 });
  const found = await Promise.all(
    files
      .map((file) => path.resolve(file))
      .sort(byDepth)
      .map(readProject),
  );
  return preferred(found.filter((project) => project !== undefined));
}

/** Shallow ones first, then by name; `wrangler.toml` before `wrangler.staging.toml`. */
function byDepth(a: string, b: string): number {
  const depth = (file: string) => file.split(path.sep).length;
  return (
    depth(a) - depth(b) || path.dirname(a).localeCompare(path.dirname(b)) || a.length - b.length || a.localeCompare(b)
  );
}

/** What cannot be read, or is no service, is not a project. It is an error as soon as somebody uses it. */
async function readProject(file: string): Promise<Project | undefined> {
  const read = await configNames(file);
  if (!read) return undefined;
  const { name = path.basename(path.dirname(file)), main, environments } = read;
  return { file, name, environments, ...(main !== undefined && { main: path.resolve(path.dirname(file), main) }) };
}

/** Of the files that mean the same folder, the one that counts there (docs/config.md, "Which file"); variants stay. */
function preferred(projects: readonly Project[]): Project[] {
  const order = ["troupe.toml", "wrangler.json", "wrangler.jsonc", "wrangler.toml"];
  const rank = ({ file }: Project) => order.indexOf(path.basename(file));
  return projects.filter(
    (project) =>
      rank(project) < 0 ||
      !projects.some(
        (other) =>
          path.dirname(other.file) === path.dirname(project.file) && rank(other) >= 0 && rank(other) < rank(project),
      ),
  );
}

/**
 * Files whose names differ by an environment are one service: `shop` and `shop-staging`; also `shop-staging` and
 * `shop-production` without a `shop`; and `wrangler.staging.toml` beside a `wrangler.toml` of the same name.
 */
export function groupProjects(projects: readonly Project[]): { groups: Group[]; doubles: Project[] } {
  const known = new Set([...USUAL, ...projects.flatMap(({ environments }) => environments)]);
  const parts = projects.map((project) => ({ project, part: environmentOf(project, projects, known) }));
  const groups = new Map<string, Group>();
  const doubles: Project[] = [];
  for (const { project } of parts.filter(({ part }) => !part)) {
    if (groups.has(project.name)) doubles.push(project);
    else groups.set(project.name, { name: project.name, project, files: new Map() });
  }
  for (const { project, part } of parts) {
    if (!part) continue;
    const { service, environment } = part;
    const group = groups.get(service) ?? { name: service, project, files: new Map() };
    groups.set(service, group);
    if (group.files.has(environment)) {
      doubles.push(project);
      continue;
    }
    group.files.set(environment, project);
    if (environment !== PRODUCTION) continue;
    // As with [env.production]: what the service is apart from it is another environment.
    if (group.project !== project && ![...group.files.values()].includes(group.project)) {
      group.files.set("default", group.project);
    }
    group.project = project;
  }
  return { groups: [...groups.values()], doubles };
}

interface Part {
  service: string;
  environment: string;
}

/** Set when a project is an environment of a service that others are about, too. */
function environmentOf(project: Project, projects: readonly Project[], known: ReadonlySet<string>): Part | undefined {
  // One with environments of its own is a whole service.
  if (project.environments.length > 0) return undefined;
  const others = projects.filter((other) => other !== project);
  const variant = /^wrangler\.([^.]+)\.\w+$/.exec(path.basename(project.file))?.[1];
  const twin = others.find((other) => other.name === project.name && beside(other, project));
  if (twin && variant !== undefined && known.has(variant) && !twin.environments.includes(variant)) {
    return { service: project.name, environment: variant };
  }
  const base = others.find((other) => belongs(project, other, known));
  if (base) {
    const environment = project.name.slice(base.name.length + 1);
    return base.environments.includes(environment) ? undefined : { service: base.name, environment };
  }
  return withSiblings(project, others);
}

/** `shop-staging` when there is a `shop-production`, and no `shop`. */
function withSiblings(project: Project, others: readonly Project[]): Part | undefined {
  const split = splitName(project.name);
  if (!split || others.some(({ name }) => name === split.service)) return undefined;
  const siblings = others
    .filter(({ environments }) => environments.length === 0)
    .flatMap(({ name }) => splitName(name) ?? [])
    .filter(({ service }) => service === split.service);
  const withProduction = [split, ...siblings].some(({ environment }) => environment === PRODUCTION);
  return siblings.length > 0 && withProduction ? split : undefined;
}

/** `shop-staging` belongs to `shop` when it is called like an environment, or lies beside it and runs the same code. */
function belongs(project: Project, base: Project, known: ReadonlySet<string>): boolean {
  if (!project.name.startsWith(`${base.name}-`)) return false;
  if (known.has(project.name.slice(base.name.length + 1))) return true;
  return beside(project, base) && project.main !== undefined && project.main === base.main;
}

function beside(a: Project, b: Project): boolean {
  return path.dirname(a.file) === path.dirname(b.file);
}

/** `shop-prod` → production of `shop`. */
function splitName(name: string): Part | undefined {
  const environment = USUAL.find((usual) => name.endsWith(`-${usual}`) && name.length > usual.length + 1);
  if (environment === undefined) return undefined;
  const service = name.slice(0, -environment.length - 1);
  return { service, environment: PRODUCTIONS.includes(environment) ? PRODUCTION : environment };
}
