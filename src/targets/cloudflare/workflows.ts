/** The Workflows of a service: of its bindings whose class is its own, and of its `exports`. */
import { resourceOf } from "../../bindings/resource.ts";
import type { Binding, Environment } from "../../model.ts";
import { resourceName } from "./names.ts";
import type { NetWorkflow } from "./network.ts";
import { clean, includes, type Trigger, type TriggerContext } from "./trigger.ts";

export interface OwnWorkflow {
  /** On the network. */
  name: string;
  className: string;
  /** As they are written. */
  settings: Record<string, unknown>;
}

const SETTINGS = ["limits", "concurrency", "schedules", "default_retention", "jurisdiction"] as const;

/** A declaration in `exports` beats a binding of the same name. */
export function ownWorkflows({ bindings, settings }: Environment): OwnWorkflow[] {
  const bound = bindings.filter(isOwn).map((binding): OwnWorkflow => {
    const { class_name, ...entry } = binding.entry;
    return { name: resourceName(resourceOf(binding)), className: String(class_name), settings: entry };
  });
  const declared = Object.entries((settings.exports ?? {}) as Record<string, { type: string; name?: string }>).flatMap(
    ([className, { type, name, ...entry }]): OwnWorkflow[] =>
      type === "workflow" && name !== undefined ? [{ name, className, settings: entry }] : [],
  );
  return [...new Map([...bound, ...declared].map((each) => [each.name, each])).values()];
}

const isOwn = ({ kind, entry }: Binding): boolean => kind === "workflow" && entry.script_name === undefined;

/** Names, on the network, of those that were made for this environment alone. */
export function workflowEditions({ bindings }: Environment): string[] {
  return bindings
    .filter(isOwn)
    .flatMap(({ resource }) => (resource?.edition === undefined ? [] : [resourceName(resource)]));
}

/** One that is gone from the config stays: its instances are data. */
export function workflowTriggers({ network, environment, about }: TriggerContext): Trigger<NetWorkflow | undefined>[] {
  return ownWorkflows(environment).map(({ name, className, settings }) => {
    const path = network.workflowPath(name);
    const { schedules, ...others } = picked(settings);
    const wanted = clean({
      script_name: environment.scriptName,
      class_name: className,
      ...others,
      schedules: schedules === undefined ? undefined : [schedules].flat().map((cron) => ({ cron })),
    }) as NetWorkflow;
    return {
      what: `Workflow ${name}`,
      wanted,
      read: () => network.workflow(name, about),
      equal: (found) => found !== undefined && includes(found, wanted),
      write(value) {
        if (!value) return network.api.delete(path, { about });
        const { script_name, class_name } = value;
        return network.api.put(path, { body: { script_name, class_name, ...picked(value) }, about });
      },
    };
  });
}

function picked(settings: Record<string, unknown>): Record<string, unknown> {
  return clean(Object.fromEntries(SETTINGS.map((key) => [key, settings[key]])));
}
