/** One `serve` per state folder: `serve.json` says which process it is, and how others reach it. */
import path from "node:path";
import { TroupeError } from "../../errors.ts";
import { type Lock, type LockOwner, lockOwner, takeLock } from "../../lib/lock.ts";

/** What a running host tells others. */
export interface RunningServe extends LockOwner {
  /** Base URL of the control API, and its token. */
  control: string;
  token: string;
  /** Address of the front door, without a hostname of an environment. */
  url: string;
  /** The same taken apart, for those who make URLs of hostnames. */
  scheme: "http" | "https";
  base: string;
  port: number;
}

function file(state: string): string {
  return path.join(state, "serve.json");
}

/** @throws TroupeError CONFLICT naming the process that serves already */
export async function takeState(state: string): Promise<Lock> {
  const taken = await takeLock(file(state));
  if ("lock" in taken) return taken.lock;
  const { pid, url } = taken.owner;
  throw new TroupeError(
    "CONFLICT",
    `Process ${pid} serves ${state} already${typeof url === "string" ? `, at ${url}` : ""}`,
    { notes: ["Stop that process, or serve another store with --state-dir"] },
  );
}

/** The host that serves a state folder now, if there is one and it has said where it listens. */
export async function runningServe(state: string): Promise<RunningServe | undefined> {
  const owner = await lockOwner(file(state));
  return owner && typeof owner.url === "string" ? (owner as RunningServe) : undefined;
}
