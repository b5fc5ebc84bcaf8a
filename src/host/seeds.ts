/**
 * Data that was copied for an environment that has not run yet (`env clone --data copy`): a folder below
 * `<state>/data/serve/seeds`, laid out as a home, which its first start takes over.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { localResourceId } from "../bindings/resource.ts";
import type { Resource } from "../model.ts";
import { CLASSES, isObjectsOf, joinAlarms, METADATA, objectId } from "./home-files.ts";

/** Where Durable Objects lie in a home. */
const OBJECTS = "do";

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

/** What an environment is to start with. */
export interface Seed {
  /** Name of the folder that is made. */
  seed: string;
  /** Of the environment that it is copied from, in case that has not run yet. */
  fromSeed?: string;
  copies: ResourceCopy[];
  /** The worker whose Durable Objects are copied, and what their data goes by. */
  objects?: { worker: string; goBy: string };
}

/**
 * Copies data as it is now, also while it is in use: each database at one instant, and the values beside it. Nothing is
 * there if this throws.
 */
export async function makeSeed(dataDir: string, { seed, fromSeed, copies, objects }: Seed): Promise<void> {
  const draft = seedFolder(dataDir, `${seed}.part`);
  const homeOf = (key: string) =>
    knownHome(dataDir, key) ?? (fromSeed === undefined ? undefined : seedFolder(dataDir, fromSeed));
  try {
    mkdirSync(draft, { recursive: true });
    for (const { from, to } of copies) {
      const home = homeOf(`${from.type}:${from.id}`);
      if (home !== undefined) copyResource(home, from, draft, to);
    }
    const home = objects && homeOf(`worker:${objects.worker}`);
    if (home !== undefined) copyObjects(path.join(home, OBJECTS), objects!.goBy, path.join(draft, OBJECTS));
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

/** The home that something is in, by its key in `homes.json`; undefined when it was never used. */
function knownHome(dataDir: string, key: string): string | undefined {
  const file = path.join(dataDir, "homes.json");
  if (!existsSync(file)) return undefined;
  const { entries } = JSON.parse(readFileSync(file, "utf8")) as { entries: Record<string, { home: string }> };
  const home = entries[key]?.home;
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
  copyDatabase(file(home, from), file(target, to));
  copyValues();
}

/** All objects of a worker's classes, and their alarms: a database each, and beside it the list of those in it. */
function copyObjects(from: string, goBy: string, to: string): void {
  for (const folder of existsSync(from) ? readdirSync(from) : []) {
    if (!isObjectsOf(goBy, folder)) continue;
    const [source, target] = [path.join(from, folder), path.join(to, folder)];
    mkdirSync(target, { recursive: true });
    // Taken before and after: none that an object waits for is missing. One too many is looked up by its object, and ignored.
    copyAlarms(source, target);
    for (const name of readdirSync(source)) {
      if (name.startsWith(METADATA) || /\.sqlite-(wal|shm)$/.test(name)) continue;
      const copy = name.endsWith(".sqlite") ? copyDatabase : cpSync;
      copy(path.join(source, name), path.join(target, name));
    }
    copyAlarms(source, target);
  }
}

function copyAlarms(source: string, target: string): void {
  const alarms = path.join(target, METADATA);
  if (!existsSync(alarms)) {
    copyDatabase(path.join(source, METADATA), alarms);
    return;
  }
  const later = `${alarms}.later`;
  copyDatabase(path.join(source, METADATA), later);
  joinAlarms(later, alarms);
  rmSync(later);
}

/** As it is at one instant; when it is there. */
function copyDatabase(from: string, to: string): void {
  if (!existsSync(from)) return;
  const database = new DatabaseSync(from, { readOnly: true, timeout: 10_000 });
  try {
    database.prepare("VACUUM INTO ?").run(to);
  } finally {
    database.close();
  }
}
