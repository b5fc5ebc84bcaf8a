/** Asks the process that holds a data folder to do something with it. */
import { TroupeError } from "../../errors.ts";
import type { LockOwner } from "../../lib/lock.ts";
import type { DataCall } from "./connect.ts";
import type { VerbResult } from "./verbs.ts";

/** Header names of the control API (src/host/control.ts). */
export const CALL_HEADER = "x-troupe-call";
export const VALUE_HEADER = "x-troupe-value";

/** @throws TroupeError as the other process threw it; CONFLICT when it can't be asked, UNREACHABLE when it does not answer */
export async function callOwner(
  owner: LockOwner,
  folder: string,
  call: DataCall,
  body?: Uint8Array,
): Promise<VerbResult> {
  const { control, token, pid } = owner as LockOwner & { control?: string; token?: string };
  if (!control || !token) {
    throw new TroupeError("CONFLICT", `The data folder ${folder} is in use by another troupe (process ${pid})`, {
      notes: ["Try again when it is done"],
    });
  }
  // A head has room for 16 KB: arguments (a thousand keys, a long message) go in the body, unless a value is there.
  const { args, ...about } = call;
  const head = body ? call : about;
  let response: Response;
  try {
    response = await fetch(new URL("/data", control), {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, [CALL_HEADER]: encodeURIComponent(JSON.stringify(head)) },
      body: body ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(args),
    });
  } catch (error) {
    throw new TroupeError("UNREACHABLE", `The troupe that holds the data (process ${pid}) does not answer`, {
      cause: error,
    });
  }
  if (!response.ok) {
    const { error } = (await response.json()) as { error: { code: "USAGE"; message: string; notes?: string[] } };
    throw new TroupeError(error.code, error.message, { notes: error.notes });
  }
  const value = response.headers.get(VALUE_HEADER);
  if (value === null) return (await response.json()) as VerbResult;
  return { value: JSON.parse(decodeURIComponent(value)), bytes: new Uint8Array(await response.arrayBuffer()) };
}
