import { TroupeError, type TroupeErrorOptions } from "../errors.ts";
import { portHolder } from "../lib/port.ts";

/**
 * That a port is taken, as an error that names who has it, when that can be found out.
 * @param next what to do about it
 * @returns TroupeError CONFLICT, to throw
 */
export async function portInUse(
  port: number,
  next: string,
  options: Pick<TroupeErrorOptions, "location" | "cause"> = {},
): Promise<TroupeError> {
  const holder = await portHolder(port);
  const who = holder ? ` by process ${holder.pid} (${holder.command})` : "";
  return new TroupeError("CONFLICT", `Port ${port} is in use${who}`, { ...options, notes: [next] });
}
