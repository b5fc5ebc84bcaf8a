/** What the runtime says, as events of `dev`. */
import type { Diagnostic } from "../../errors.ts";
import type { RuntimeEvent } from "../../runtime/types.ts";
import { splitId } from "./plan.ts";
import type { DevEvent } from "./types.ts";

/** An event of the runtime as `dev` tells it. */
export function devEvent(event: RuntimeEvent): DevEvent {
  if (event.type === "crashed") return { reason: "crashed", message: event.message };
  const where = splitId(event.worker);
  if (event.type === "log") {
    const { level, message, time } = event;
    return { reason: "log", ...where, level, message, time: new Date(time).toISOString() };
  }
  const { name, message, stack, location } = event;
  return { reason: "exception", ...where, name, message, stack, location };
}

/** @returns a function that says each warning once in a run, however often the files are built */
export function warnOnce(emit: (event: DevEvent) => void): (diagnostic: Diagnostic) => void {
  const said = new Set<string>();
  return (diagnostic) => {
    const { message, location } = diagnostic;
    const key = `${message}\n${location?.file}:${location?.line}`;
    if (said.has(key)) return;
    said.add(key);
    emit({ reason: "warning", diagnostic });
  };
}
