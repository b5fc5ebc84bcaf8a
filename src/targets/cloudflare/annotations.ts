/**
 * What troupe writes into the annotations of versions and deployments, and reads again: the API keeps a message, a tag and a
 * commit, so the rest stands in brackets at the end of the message.
 */
import { toUSVString } from "node:util";
import type { Action, GitState, Provenance } from "../target.ts";

export type Annotations = Record<string, string>;

const MESSAGE = "workers/message";
const TAG = "workers/tag";
const COMMIT = "workers/commit_sha";

/** Bytes. https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/versions/ */
const MAX_MESSAGE = 1000;
const MAX_TAG = 100;

export interface VersionMark extends Provenance {
  /** Of the bundle. */
  contentHash?: string;
  /** Of all that was uploaded (metadata.ts). */
  fingerprint?: string;
  size?: number;
  /** What is kept of a version without a record (brief.ts). */
  brief?: string;
  /** `create`: it holds the place of an environment that was not deployed to yet. */
  action?: Action | "create";
}

/** @param deployment of an upload that is live at once: there is no other place to tell it */
export function versionAnnotations(mark: VersionMark, deployment?: DeploymentMark): Annotations {
  const { tag, message, git, author, contentHash, fingerprint, size, action, brief } = mark;
  const fields = {
    code: contentHash,
    is: fingerprint,
    size,
    by: action,
    branch: git?.branch,
    dirty: git?.dirty ? "yes" : undefined,
    author,
    kept: brief,
    ...(deployment && deploymentFields(deployment)),
  };
  return {
    [MESSAGE]: withFields(message, fields),
    ...(tag !== undefined && { [TAG]: cut(tag, MAX_TAG) }),
    ...(git?.commit !== undefined && { [COMMIT]: git.commit }),
  };
}

/** @returns what is told of a version, as far as it is; of one that somebody else made, the message, tag and commit */
export function readVersion(annotations: Annotations = {}): VersionMark {
  const { text, fields } = readFields(annotations[MESSAGE]);
  const commit = annotations[COMMIT];
  const git: GitState = {
    ...(commit !== undefined && { commit }),
    ...(fields.branch !== undefined && { branch: fields.branch }),
    ...(commit !== undefined && fields.is !== undefined && { dirty: fields.dirty === "yes" }),
  };
  return {
    ...(annotations[TAG] !== undefined && { tag: annotations[TAG] }),
    ...(text !== undefined && { message: text }),
    ...(Object.keys(git).length > 0 && { git }),
    ...(fields.author !== undefined && { author: fields.author }),
    ...(fields.code !== undefined && { contentHash: fields.code }),
    ...(fields.is !== undefined && { fingerprint: fields.is }),
    ...(fields.size !== undefined && { size: Number(fields.size) }),
    ...(fields.by !== undefined && { action: fields.by as Action | "create" }),
    ...(fields.kept !== undefined && { brief: fields.kept }),
  };
}

export interface DeploymentMark {
  message?: string;
  author?: string;
  action?: Action | "create";
  /** Shared by the deployments of one command. */
  operation?: string;
  /** `service@environment#version`. */
  from?: string;
  /** `service@environment` → version of what it binds. */
  bound?: Readonly<Record<string, number>>;
}

/** @returns what the API takes with a deployment; fields that do not fit into a message are left out */
export function deploymentAnnotations(mark: DeploymentMark): Annotations {
  const { message, action, author } = mark;
  return { [MESSAGE]: withFields(message, { by: action, author, ...deploymentFields(mark) }) };
}

function deploymentFields({ operation, from, bound }: DeploymentMark): Record<string, string | undefined> {
  const text = Object.entries(bound ?? {})
    .map(([id, version]) => `${id}#${version}`)
    .join(",");
  // Of so many that they do not fit in, none is told.
  const fits = text !== "" && encodeURIComponent(text).length < MAX_MESSAGE / 2;
  return { op: operation, from, ...(fits && { bound: text }) };
}

function readBound(text: string): Record<string, number> {
  return Object.fromEntries(
    text.split(",").map((each) => {
      const at = each.lastIndexOf("#");
      return [each.slice(0, at), Number(each.slice(at + 1))];
    }),
  );
}

/** @returns what is told of a deployment; without `operation` where troupe did not make it */
export function readDeployment(annotations: Annotations = {}): DeploymentMark {
  const { text, fields } = readFields(annotations[MESSAGE]);
  return {
    ...(text !== undefined && { message: text }),
    ...(fields.author !== undefined && { author: fields.author }),
    ...(fields.by !== undefined && { action: fields.by as Action | "create" }),
    ...(fields.bound !== undefined && { bound: readBound(fields.bound) }),
    ...(fields.op !== undefined && { operation: fields.op }),
    ...(fields.from !== undefined && { from: fields.from }),
  };
}

/** What is left out first when there is no room for all of it: without the others, a version would not be known again. */
const DISPENSABLE = ["bound", "author", "branch", "from"];

/** `faster prices [troupe code=0123 by=deploy]`. Values are escaped as in a URL. */
function withFields(message: string | undefined, fields: Record<string, string | number | undefined>): string {
  const written = new Map(
    Object.entries(fields).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, `${key}=${encodeURIComponent(toUSVString(String(value)))}`] as const],
    ),
  );
  const mark = () => `[troupe ${[...written.values()].join(" ")}]`;
  for (const key of DISPENSABLE) if (mark().length > MAX_MESSAGE) written.delete(key);
  const room = MAX_MESSAGE - mark().length - 1;
  return message && room >= 3 ? `${cut(message, room)} ${mark()}` : mark();
}

function readFields(message: string | undefined): { text?: string; fields: Record<string, string> } {
  if (message === undefined) return { fields: {} };
  const found = /^([\s\S]*?) ?\[troupe ([^\]]*)\]$/.exec(message);
  if (!found) return { text: message, fields: {} };
  try {
    const fields = found[2]!.split(" ").map((field): [string, string] => {
      const at = field.indexOf("=");
      return [field.slice(0, at), decodeURIComponent(field.slice(at + 1))];
    });
    return { ...(found[1] && { text: found[1] }), fields: Object.fromEntries(fields) };
  } catch {
    // Somebody else's brackets.
    return { text: message, fields: {} };
  }
}

/** To so many bytes of UTF-8, at the end of a character. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let result = "";
  let used = 0;
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes - 3) break;
    result += character;
  }
  return `${result}…`;
}
