/**
 * Data that was copied for an environment that has not run yet (`env clone --data copy`): a folder below
 * `<state>/data/serve/seeds`, laid out as a home, which its first start takes over.
 */
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { localResourceId } from "../bindings/resource.ts";
import type { Resource } from "../model.ts";
import { CLASSES, objectId } from "./home-files.ts";

/** At most, from its first copy until it is stored, in ms. */
const CLONE_TAKES = 60 * 60 * 1000;

/** Folder of the data of all deployed environments. */
export function serveData(state: string): string {
  return path.join(state, "data", "serve");
}

/** Where the copies for one environment lie until it takes them over. */
export function seedFolder(dataDir: string, seed: string): string {
  return path.join(dataDir, "seeds", seed);
}

/** One resource that is copied, under the id that the copy has. */
export interface ResourceCopy {
  from: Resource;
  to: Resource;
}

/**
 * Copies resources as they are now, also while they are in use: each database at one instant, and the values beside it.
 * @param seed name of the folder that is made; nothing is there if this throws
 * @param fromSeed of the environment they belong to, in case it has not run yet
 */
export async function makeSeed(
  dataDir: string,
  seed: string,
  copies: readonly ResourceCopy[],
  fromSeed: string | undefined,
): Promise<void> {
  const draft = seedFolder(dataDir, `${seed}.part`);
  try {
    mkdirSync(draft, { recursive: true });
    for (const { from, to } of copies) {
      const home = homeOf(dataDir, from) ?? (fromSeed === undefined ? undefined : seedFolder(dataDir, fromSeed));
      if (home !== undefined) copyResource(home, from, draft, to);
    }
    await rename(draft, seedFolder(dataDir, seed));
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** Removes copies that are not wanted any more; there need be none. */
export async function removeSeed(dataDir: string, seed: string): Promise<void> {
  await rm(seedFolder(dataDir, seed), { recursive: true, force: true });
}

/**
 * Removes copies that nobody will take over: those of a clone that was killed before it was stored.
 * @param isKnown whether an environment is to start with it
 */
export async function sweepSeeds(dataDir: string, isKnown: (seed: string) => boolean, now = Date.now()): Promise<void> {
  for (const name of await readdir(path.dirname(seedFolder(dataDir, "x"))).catch(() => [])) {
    const folder = seedFolder(dataDir, name);
    // A clone that is under way has made its copies, and is not stored yet.
    const isOld = await stat(folder).then(
      ({ mtimeMs }) => now - mtimeMs > CLONE_TAKES,
      () => false,
    );
    if (isOld && !isKnown(name)) await rm(folder, { recursive: true, force: true });
  }
}

/** The home that a resource is in; undefined when it was never used. */
function homeOf(dataDir: string, { type, id }: Resource): string | undefined {
  const file = path.join(dataDir, "homes.json");
  if (!existsSync(file)) return undefined;
  const { entries } = JSON.parse(readFileSync(file, "utf8")) as { entries: Record<string, { home: string }> };
  const home = entries[`${type}:${id}`]?.home;
  return home === undefined ? undefined : path.join(dataDir, home);
}

function copyResource(home: string, from: Resource, target: string, to: Resource): void {
  const objectClass = CLASSES[from.type];
  if (objectClass === undefined) return;
  const file = (root: string, resource: Resource) =>
    path.join(root, from.type, objectClass, `${objectId(objectClass, localResourceId(resource))}.sqlite`);
  const values = (root: string, resource: Resource) => path.join(root, from.type, localResourceId(resource));
  const copyValues = (): void => {
    if (existsSync(values(home, from))) cpSync(values(home, from), values(target, to), { recursive: true });
  };
  if (!existsSync(file(home, from))) return;
  // Values are files that never change. Taken before and after: none that the database names is missing.
  copyValues();
  mkdirSync(path.dirname(file(target, to)), { recursive: true });
  const database = new DatabaseSync(file(home, from), { readOnly: true, timeout: 10_000 });
  try {
    database.prepare("VACUUM INTO ?").run(file(target, to));
  } finally {
    database.close();
  }
  copyValues();
}
