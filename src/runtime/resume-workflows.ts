/** Makes Workflows go on in a new process: the engine forgets them with the old one. */
import type { Miniflare } from "miniflare";
import type { WorkerOptions } from "../bindings/kind.ts";
import type { WorkflowInstance } from "../bindings/workflow-instances.ts";

/** An event wakes an instance that does not run, whatever it waits for; nobody waits for this one. */
const NUDGE = { type: "troupe-resume", payload: null };

interface WorkflowBinding {
  get(id: string): Promise<{ sendEvent(event: typeof NUDGE): Promise<void> }>;
}

/** @param instances that were not finished when the last process ended */
export async function resumeWorkflows(
  miniflare: Miniflare,
  workers: readonly WorkerOptions[],
  instances: readonly WorkflowInstance[],
): Promise<void> {
  const bindings = new Map(
    workers.flatMap(({ config }) =>
      Object.entries(config.env ?? {}).flatMap(([name, binding]) =>
        binding.type === "workflow" ? [[binding.name, { worker: config.name, name }] as const] : [],
      ),
    ),
  );
  for (const { workflow, id } of instances) {
    const place = bindings.get(workflow);
    if (!place) continue;
    const env = await miniflare.getBindings<Record<string, WorkflowBinding>>(place.worker);
    const instance = await env[place.name]!.get(id);
    await instance.sendEvent(NUDGE);
  }
}
