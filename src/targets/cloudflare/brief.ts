/**
 * What is kept of a version that has no room for its record (record.ts): it fits into an annotation. The config itself does
 * not, so that the workspace's counts.
 */
import { createHash } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { TroupeError } from "../../errors.ts";
import { type Environment, type EnvironmentRef, refId } from "../../model.ts";
import type { EnvironmentSettings } from "../../store/records.ts";
import type { Assets } from "./assets.ts";
import { stable } from "./metadata.ts";

/** What an environment has around its Worker. */
export type Around = Pick<Environment, "routes" | "crons" | "settings" | "bindings">;

export interface Brief {
  /** Its environment's name when it was made. */
  name: string;
  settings: EnvironmentSettings;
  /** Absent where there was too much of it. */
  around?: Around;
  /** Of its static assets and their rules. */
  files?: string;
}

/** Of an annotation's thousand bytes, which hold more than this. */
const ROOM = 600;

/** @throws TroupeError PRECONDITION when the settings that `env set` has made are too large */
export function briefText(ref: EnvironmentRef, brief: Brief): string {
  const whole = packed(brief);
  if (whole.length <= ROOM) return whole;
  const { around: _, ...rest } = brief;
  const short = packed(rest);
  if (short.length <= ROOM) return short;
  throw new TroupeError("PRECONDITION", `The settings of ${refId(ref)} are too large to be kept on Cloudflare`, {
    notes: [
      "A service in service-worker syntax, or of static assets alone, has no room for more",
      `Write them into the config in place of \`troupe env set\`: [env.${ref.environment}]`,
    ],
  });
}

/** @returns undefined for what is none */
export function readBrief(text: string): Brief | undefined {
  try {
    return JSON.parse(inflateRawSync(Buffer.from(text, "base64url")).toString()) as Brief;
  } catch {
    return undefined;
  }
}

function packed(brief: Brief): string {
  return deflateRawSync(JSON.stringify(brief)).toString("base64url");
}

/** As much of it as tells a later version what to take away. */
export function aroundPart({ routes, crons, settings, bindings }: Environment): Around {
  const told = ["queue-consumer", "tail-consumer"];
  return {
    routes,
    crons: crons.slice(0, 1),
    settings: settings.logpush === undefined ? {} : { logpush: true },
    bindings: bindings
      .filter(({ kind }) => told.includes(kind))
      .map((binding) => ({ ...binding, entry: {}, written: { file: "", path: [], environment: "" } })),
  };
}

/** Equal for the same files at the same paths, with the same rules. */
export function filesDigest({ manifest, rules = {} }: Pick<Assets, "manifest" | "rules">): string {
  const hashes = Object.entries(manifest).map(([file, { hash }]) => [file, hash]);
  return createHash("sha256")
    .update(stable({ files: hashes, rules }))
    .digest("hex")
    .slice(0, 32);
}
