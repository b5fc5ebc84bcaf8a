/**
 * Where deployed data lies. A folder of data belongs to one workerd at a time, so what is used together lies together: in
 * a *home*, a folder below `<state>/data/serve`. `homes.json` there says which home a resource is in, and who uses it.
 * When a new binding joins two homes, the files of one move into the other, while nobody runs on either.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { kindOf, stateOf } from "../bindings/index.ts";
import { TroupeError } from "../errors.ts";
import { replaceFile } from "../lib/replace-file.ts";
import type { Environment } from "../model.ts";
import { moveData, removeResource, removeWorkerData } from "./home-files.ts";
import { seedFolder } from "./seeds.ts";

interface Entry {
  home: string;
  /** Who has used it (`userOf`). */
  by: string[];
  /** Of a worker whose Durable Objects' data goes by another one's name. */
  objects?: string;
}

interface Table {
  /** By key: "worker:<id>" for what lies under a worker's name (Durable Objects), "<type>:<id>" for a resource. */
  entries: Record<string, Entry>;
  /** Moves that were begun: finished before anything else. */
  moves: { from: string; to: string }[];
}

/** An environment of the store, as far as data goes. */
export interface DataUser {
  /** Worker id. */
  id: string;
  environment: Environment;
  /** Its row in the store. */
  record: { id: number; settings?: { seed?: string; objects?: string } };
}

/** Tells an environment from a later one of the same name. */
export function userOf({ id, record }: Pick<DataUser, "id" | "record">): string {
  return `${id}#${record.id}`;
}

/** What an environment keeps on disk, by the keys of the table; empty for one that keeps nothing. */
export function dataKeys({ id, environment }: Pick<DataUser, "id" | "environment">): string[] {
  if (stateOf(environment) === "none") return [];
  const stateful = environment.bindings.filter((binding) => kindOf(binding).state !== "none");
  const resources = stateful.flatMap(({ resource }) => (resource ? [`${resource.type}:${resource.id}`] : []));
  return [`worker:${id}`, ...resources];
}

/** Of one environment alone: its Durable Objects and its own editions. What was written down by name is for anybody. */
function isOwn(key: string): boolean {
  return key.includes("@");
}

export class Homes {
  readonly folder: string;
  #table: Table;
  #isThere: (user: string) => boolean;
  /** Changes of the table are made one after another. */
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, table: Table, isThere: (user: string) => boolean) {
    this.folder = folder;
    this.#table = table;
    this.#isThere = isThere;
  }

  /**
   * Reads the table, and finishes moves that were cut short.
   * @param isThere whether a user (`userOf`) is still in the store
   * @throws TroupeError STORE when the table is damaged; the file system's errors
   */
  static async open(folder: string, isThere: (user: string) => boolean): Promise<Homes> {
    await mkdir(folder, { recursive: true });
    const homes = new Homes(folder, readTable(folder), isThere);
    await homes.#finishMoves();
    return homes;
  }

  /** The homes that environments' data lies in: more than one before it has been claimed. */
  of(users: readonly DataUser[]): string[] {
    return [...new Set(users.flatMap(dataKeys).flatMap((key) => this.#table.entries[key]?.home ?? []))];
  }

  /**
   * The one home of everything that these environments keep; what lies elsewhere is moved there.
   * @returns its folder. Nobody may run on any of the homes when there is more than one.
   */
  claim(users: readonly DataUser[]): Promise<string> {
    return this.#enqueue(async () => {
      // What an environment of the same name has left behind is not this one's.
      await this.#remove(this.#leftBehind(users));
      const [first, ...others] = this.of(users);
      const home = first ?? newName(users);
      let changed = false;
      for (const user of users) {
        for (const key of dataKeys(user)) {
          const entry = this.#table.entries[key];
          if (entry?.by.includes(userOf(user))) continue;
          const objects = key === `worker:${user.id}` ? user.record.settings?.objects : undefined;
          const by = [...(entry?.by ?? []), userOf(user)];
          this.#table.entries[key] = { home: entry?.home ?? home, by, ...(objects !== undefined && { objects }) };
          changed = true;
        }
      }
      if (others.length > 0) {
        this.#table.moves.push(...others.map((from) => ({ from, to: home })));
        await this.#finishMoves();
      } else if (changed) {
        await this.#save();
      }
      const folder = path.join(this.folder, home);
      await mkdir(folder, { recursive: true });
      for (const { record } of users) {
        const seed = record.settings?.seed;
        if (seed !== undefined) await moveData(seedFolder(this.folder, seed), folder);
      }
      return folder;
    });
  }

  /**
   * Frees what belonged to environments that are gone: editions of their own, and their Durable Objects. Resources
   * written down by name stay: somebody may come back for them.
   * @param inUse whether somebody runs on a home
   */
  free(inUse: (home: string) => boolean): Promise<void> {
    return this.#enqueue(() =>
      this.#remove(
        Object.entries(this.#table.entries).flatMap(([key, { home }]) =>
          this.#isAbandoned(key) && !inUse(home) ? [key] : [],
        ),
      ),
    );
  }

  /** Also the copies of Durable Objects that lie in these homes, whose files are named as those of others are. */
  #leftBehind(users: readonly DataUser[]): string[] {
    const homes = new Set(this.of(users));
    const copies = Object.entries(this.#table.entries).flatMap(([key, { home, objects }]) =>
      objects !== undefined && homes.has(home) ? [key] : [],
    );
    return [...new Set([...users.flatMap(dataKeys), ...copies])].filter((key) => this.#isAbandoned(key));
  }

  #isAbandoned(key: string): boolean {
    const entry = this.#table.entries[key];
    return entry !== undefined && isOwn(key) && !entry.by.some(this.#isThere);
  }

  async #remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const gone = keys.map((key) => {
      const { home, objects } = this.#table.entries[key]!;
      return { key, objects, folder: path.join(this.folder, home) };
    });
    for (const { key } of gone) delete this.#table.entries[key];
    const living = new Set(Object.values(this.#table.entries).map(({ home }) => path.join(this.folder, home)));
    for (const { key, objects, folder } of gone) {
      const [type, id] = [key.slice(0, key.indexOf(":")), key.slice(key.indexOf(":") + 1)];
      if (!living.has(folder)) await rm(folder, { recursive: true, force: true });
      else if (type === "worker") await this.#removeObjects(folder, objects ?? id);
      else await removeResource(folder, type, id);
    }
    await this.#save();
  }

  /** @param goBy what the data of the objects goes by; kept if those of another worker in this folder go by it, too */
  async #removeObjects(folder: string, goBy: string): Promise<void> {
    const shared = Object.entries(this.#table.entries).some(
      ([key, { home, objects }]) =>
        path.join(this.folder, home) === folder && (objects === goBy || (key === `worker:${goBy}` && !objects)),
    );
    if (!shared) await removeWorkerData(folder, goBy);
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }

  async #finishMoves(): Promise<void> {
    if (this.#table.moves.length === 0) return;
    // Written down first: after a crash half-way, nobody runs before the rest has followed.
    for (const { from, to } of this.#table.moves) {
      for (const entry of Object.values(this.#table.entries)) if (entry.home === from) entry.home = to;
    }
    await this.#save();
    for (const { from, to } of this.#table.moves) {
      await moveData(path.join(this.folder, from), path.join(this.folder, to));
    }
    this.#table.moves = [];
    await this.#save();
  }

  async #save(): Promise<void> {
    await replaceFile(path.join(this.folder, "homes.json"), `${JSON.stringify(this.#table, null, 1)}\n`);
  }
}

/**
 * Where data lies, as of now, for those who only look.
 * @throws TroupeError STORE when the table is damaged
 */
export function readHomes(folder: string): (user: Pick<DataUser, "id" | "environment">) => string[] {
  const { entries } = readTable(folder);
  return (user) => [...new Set(dataKeys(user).flatMap((key) => entries[key]?.home ?? []))];
}

function readTable(folder: string): Table {
  const file = path.join(folder, "homes.json");
  if (!existsSync(file)) return { entries: {}, moves: [] };
  try {
    const table = JSON.parse(readFileSync(file, "utf8")) as Table;
    return { entries: { ...table.entries }, moves: [...table.moves] };
  } catch (cause) {
    throw new TroupeError("STORE", `${file} is damaged: it says where the data of deployed services lies`, {
      notes: ["Restore it from a backup: each home is a folder beside it"],
      cause,
    });
  }
}

/** Told apart by people, and unique. */
function newName(users: readonly DataUser[]): string {
  const readable = (users[0]?.id ?? "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40);
  return `${readable}-${randomBytes(4).toString("hex")}`;
}
