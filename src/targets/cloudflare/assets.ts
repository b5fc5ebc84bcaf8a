/**
 * Static assets: a manifest of the folder goes to the network, which says what it does not have yet.
 * https://developers.cloudflare.com/workers/static-assets/direct-upload/
 */
import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import globToRegExp from "glob-to-regexp";
import mime from "mime";
import { TroupeError } from "../../errors.ts";
import type { Environment } from "../../model.ts";
import type { Api } from "./client.ts";

export type Manifest = Record<string, { hash: string; size: number }>;

/** Contents of `_headers` and `_redirects`. */
export type Rules = Record<string, string>;

export interface Assets {
  /** Absolute. */
  folder: string;
  manifest: Manifest;
  /** Absent for those of a version that does not tell. */
  rules?: Rules;
}

/** https://developers.cloudflare.com/workers/platform/limits/#static-assets */
const LARGEST = 25 * 1024 * 1024;
/** They travel with the upload's metadata. */
const RULES = ["_headers", "_redirects"];
/** Rules, not files to be served. */
const NOT_SERVED: readonly string[] = [...RULES.map((name) => `/${name}`), "/.assetsignore"];
const AT_ONCE = 3;

/**
 * @returns undefined for a service without static assets
 * @throws TroupeError CONFIG for a folder that cannot be read, PRECONDITION for files that are too large
 */
export async function readAssets(environment: Environment): Promise<Assets | undefined> {
  const folder = assetsFolder(environment);
  if (folder === undefined) return undefined;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (cause: NodeJS.ErrnoException) => {
      throw new TroupeError(
        "CONFIG",
        `Cannot read the static assets of ${environment.service} in ${folder}: ${cause.message}`,
        {
          notes: ["Build the site first, or correct `assets.directory`"],
          cause,
        },
      );
    },
  );
  await refuseCode(folder, entries);
  const ignored = await ignoreRules(folder);
  const manifest: Manifest = {};
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name);
    const name = `/${path.relative(folder, file).split(path.sep).join("/")}`;
    if (NOT_SERVED.includes(name) || ignored(name) || !(await isFile(entry, file))) continue;
    const contents = await readFile(file);
    if (contents.byteLength > LARGEST) {
      throw new TroupeError("PRECONDITION", `${file} is larger than a static asset may be (25 MiB)`, {
        notes: ["Put it into an R2 bucket, or name it in .assetsignore"],
      });
    }
    manifest[name] = { hash: assetHash(file, contents), size: contents.byteLength };
  }
  const sorted = Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { folder, manifest: sorted, rules: await readRules(folder) };
}

async function readRules(folder: string): Promise<Rules> {
  const found: Rules = {};
  for (const name of RULES) {
    const text = await readFile(path.join(folder, name), "utf8").catch(() => undefined);
    if (text !== undefined) found[name] = text;
  }
  return found;
}

/** The configuration of static assets with these rules, in place of those that are in the folder by now. */
export function withRules(config: Readonly<Record<string, unknown>>, rules: Rules): Record<string, unknown> {
  const others = Object.entries(config).filter(([key]) => !RULES.includes(key));
  return { ...Object.fromEntries(others), ...rules };
}

/** Links to files are followed, links to folders are not. */
async function isFile(entry: Dirent, file: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile();
  return (await stat(file).catch(() => undefined))?.isFile() === true;
}

/**
 * The code of a Pages project, which nobody means to publish. `.assetsignore` says what is meant, even an empty one.
 * @throws TroupeError PRECONDITION
 */
async function refuseCode(folder: string, entries: readonly Dirent[]): Promise<void> {
  if (!entries.some(({ name, parentPath }) => name === "_worker.js" && parentPath === folder)) return;
  if ((await stat(path.join(folder, ".assetsignore")).catch(() => undefined)) !== undefined) return;
  throw new TroupeError(
    "PRECONDITION",
    `${path.join(folder, "_worker.js")} would be published with the static assets`,
    {
      notes: ["Add a line _worker.js to .assetsignore in that folder; an empty .assetsignore says that it is meant"],
    },
  );
}

/** Absolute; undefined for a service without static assets. */
export function assetsFolder({ bindings, dir }: Environment): string | undefined {
  const directory = bindings.find(({ kind }) => kind === "assets")?.entry.directory;
  return typeof directory === "string" ? path.resolve(dir, directory) : undefined;
}

/** The same contents under another extension are served as another type, and so are another asset. */
function assetHash(file: string, contents: Buffer): string {
  const hash = createHash("sha256").update(contents.toString("base64")).update(path.extname(file).slice(1));
  return hash.digest("hex").slice(0, 32);
}

/** `.assetsignore` has the rules of `.gitignore`. */
async function ignoreRules(folder: string): Promise<(name: string) => boolean> {
  const text = await readFile(path.join(folder, ".assetsignore"), "utf8").catch(() => "");
  const rules = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const isKept = line.startsWith("!");
      const pattern = (isKept ? line.slice(1) : line).replace(/\/$/, "");
      const anchored = pattern.replace(/^\//, "");
      const globs = pattern.includes("/")
        ? [anchored, `${anchored}/**`]
        : [pattern, `**/${pattern}`, `**/${pattern}/**`, `${pattern}/**`];
      return { isKept, globs: globs.map((glob) => globToRegExp(glob, { extended: true, globstar: true })) };
    });
  return (name) =>
    rules.reduce(
      (ignored, { isKept, globs }) => (globs.some((glob) => glob.test(name.slice(1))) ? !isKept : ignored),
      false,
    );
}

interface Session {
  jwt?: string;
  /** Hashes that the network asks for, in the groups that it wants them in. */
  buckets?: string[][];
}

/** Uploads what the network does not have. @returns the token that makes these assets part of the next upload */
export async function uploadAssets(
  api: Api,
  accountId: string,
  script: string,
  { folder, manifest }: Assets,
  options: { about: string; onProgress?(message: string): void },
): Promise<string> {
  const { about } = options;
  const session = await api.post<Session>(`/accounts/${accountId}/workers/scripts/${script}/assets-upload-session`, {
    body: { manifest },
    about,
  });
  const buckets = (session.buckets ?? []).filter((bucket) => bucket.length > 0);
  if (buckets.length === 0 && session.jwt) return session.jwt;
  const byHash = new Map(Object.entries(manifest).map(([name, { hash }]) => [hash, name]));
  options.onProgress?.(`${about}: uploading ${buckets.flat().length} of ${Object.keys(manifest).length} static assets`);
  let token: string | undefined;
  const waiting = [...buckets];
  const worker = async (): Promise<void> => {
    for (let bucket = waiting.shift(); bucket; bucket = waiting.shift()) {
      const answer = await api.post<Session>(`/accounts/${accountId}/workers/assets/upload`, {
        query: { base64: true },
        headers: { Authorization: `Bearer ${session.jwt}` },
        body: await bucketForm(folder, bucket, byHash, about),
        about,
      });
      // The answer to the last one has it.
      token = answer?.jwt ?? token;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (token) return token;
  throw new TroupeError("UNREACHABLE", `${about}: Cloudflare did not confirm that all static assets have arrived`, {
    notes: ["Run the same command again: only what is missing is sent"],
  });
}

async function bucketForm(
  folder: string,
  hashes: readonly string[],
  byHash: ReadonlyMap<string, string>,
  about: string,
): Promise<FormData> {
  const form = new FormData();
  for (const hash of hashes) {
    const name = byHash.get(hash);
    if (name === undefined)
      throw new TroupeError("UNREACHABLE", "Cloudflare asks for a static asset that is not in the folder");
    const contents = await readFile(path.join(folder, name)).catch(() => undefined);
    // What is promoted has the files of the version that it comes from, and the network has them all, as a rule.
    if (!contents || assetHash(name, contents) !== hash) {
      throw new TroupeError(
        "PRECONDITION",
        `${about}: Cloudflare needs ${name} once more, and ${folder} has another one`,
        {
          notes: ["Deploy from the folder with these files, or promote the version that belongs to them"],
        },
      );
    }
    const type = mediaType(name) ?? "application/null";
    form.append(hash, new File([contents.toString("base64")], hash, { type }), hash);
  }
  return form;
}

/** What the network serves a file as: it takes the uploader's word for it. By the same library as Wrangler's. */
function mediaType(file: string): string | undefined {
  const type = mime.getType(file) ?? undefined;
  return type?.startsWith("text/") ? `${type}; charset=utf-8` : type;
}
