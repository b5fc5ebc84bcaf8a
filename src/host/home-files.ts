/**
 * Files of data, as the runtime lays them down: `<plugin>/<object class>/<object id>.sqlite` (with `-wal` and `-shm`),
 * `<plugin>/<resource>/blobs/…`. Names derive from resource ids and worker ids, which are unique, so that files of two
 * homes do not clash, except `metadata.sqlite`: the alarms of all objects of a class.
 */
import { createHash, createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { localResourceId } from "../bindings/resource.ts";

/** The object class behind each type of resource; Workflows have a class each. */
export const CLASSES: Record<string, string> = {
  kv: "miniflare-KVNamespaceObject",
  r2: "miniflare-R2BucketObject",
  d1: "miniflare-D1DatabaseObject",
};
/** The alarms of all objects of a class. */
export const METADATA = "metadata.sqlite";
/** Nothing in there is missed. */
const TRANSIENT = ["cache", "ratelimit"];

/** Moves everything of one home into another; done again after an interruption, it moves the rest. Nobody may use either. */
export async function moveData(from: string, to: string): Promise<void> {
  if (!existsSync(from)) return;
  for (const name of TRANSIENT) await rm(path.join(from, name), { recursive: true, force: true });
  const files = (await readdir(from, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  for (const file of files) {
    const source = path.join(file.parentPath, file.name);
    const target = path.join(to, path.relative(from, source));
    if (file.name === METADATA && existsSync(target)) {
      joinAlarms(source, target);
      await rm(source);
      for (const suffix of ["-wal", "-shm"]) await rm(source + suffix, { force: true });
    } else if (!existsSync(target) && existsSync(source)) {
      await mkdir(path.dirname(target), { recursive: true });
      await rename(source, target);
    }
  }
  await rm(from, { recursive: true, force: true });
}

/** The alarms of one class's objects go to those of the other home. */
export function joinAlarms(source: string, target: string): void {
  const database = new DatabaseSync(target);
  try {
    database.prepare("ATTACH ? AS source").run(source);
    const table = database.prepare("SELECT sql FROM source.sqlite_master WHERE name = '_cf_ALARM'").get() as
      | { sql: string }
      | undefined;
    if (!table) return;
    database.exec(table.sql.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS main."));
    database.exec("INSERT OR REPLACE INTO main._cf_ALARM SELECT * FROM source._cf_ALARM");
  } finally {
    database.close();
  }
}

/** Removes what lies under a worker's name: its Durable Objects. */
export async function removeWorkerData(home: string, worker: string): Promise<void> {
  const folder = path.join(home, "do");
  for (const name of await readdir(folder).catch(() => [])) {
    if (isObjectsOf(worker, name)) await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

/** Whether a folder holds Durable Objects of a worker: `<worker>-<class>`, or `<worker>-<class>#<migration>`. */
export function isObjectsOf(worker: string, folder: string): boolean {
  // A class has no hyphen in its name.
  return (
    folder.startsWith(`${worker}-`) &&
    !folder
      .slice(worker.length + 1)
      .split("#")[0]!
      .includes("-")
  );
}

/** Removes a resource's own files. @param type as in `Resource.type` */
export async function removeResource(home: string, type: string, id: string): Promise<void> {
  const name = localResourceId({ type, id, name: id });
  const objectClass = CLASSES[type];
  if (type === "workflow") {
    await rm(path.join(home, "workflows", `miniflare-workflows-${name}`), { recursive: true, force: true });
  }
  if (objectClass === undefined) return;
  const file = path.join(home, type, objectClass, `${objectId(objectClass, name)}.sqlite`);
  for (const suffix of ["", "-wal", "-shm"]) await rm(file + suffix, { force: true });
  await rm(path.join(home, type, name), { recursive: true, force: true });
}

/** The id of a Durable Object by its name, as workerd makes it (ActorIdFactoryImpl in its server.c++). */
export function objectId(objectClass: string, name: string): string {
  const key = createHash("sha256").update(objectClass).digest();
  const half = (data: string | Uint8Array) => createHmac("sha256", key).update(data).digest().subarray(0, 16);
  const base = half(name);
  return Buffer.concat([base, half(base)]).toString("hex");
}
