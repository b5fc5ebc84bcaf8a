/** Cron triggers that never fire: the platform refuses them at a deploy, and nothing would be seen of them locally. */
import type { Faults } from "./faults.ts";
import { at, type SourcedTable } from "./sourced.ts";

/** A warning for each, at its expression. The parser is loaded only where there is something to parse. */
export async function checkCrons(trees: Iterable<SourcedTable>, faults: Faults): Promise<void> {
  const lists = [...trees].flatMap((tree) => at(tree, ["triggers", "crons"]) ?? []);
  const crons = lists.flatMap((list) => (list.kind === "list" ? list.items : []));
  if (crons.length === 0) return;
  const { cronTimes } = await import("../lib/cron.ts");
  for (const cron of crons) {
    // Anything else was reported by the schema.
    if (cron.kind !== "value" || typeof cron.value !== "string") continue;
    const why = whyNever(cron.value, cronTimes);
    if (why === undefined) continue;
    faults.warning("cron", `"${cron.value}" never fires: ${why}`, cron.written, {
      notes: ["Five fields: minute, hour, day of the month, month, day of the week (1 is Sunday)"],
    });
  }
}

function whyNever(
  expression: string,
  cronTimes: (expression: string) => { next(after: number): number | undefined },
): string | undefined {
  try {
    return cronTimes(expression).next(0) === undefined ? "there is no such day" : undefined;
  } catch (error) {
    return (error as Error).message.replace(/^CronPattern: /, "");
  }
}
