/**
 * Everything around a Worker that is no part of its versions: addresses, crons, queue consumers, Workflows, script settings.
 * Each is read, compared with what the config says, and written only where it differs: so an interrupted deploy is completed
 * by the next one, and each can be put back.
 */
import { isDeepStrictEqual } from "node:util";
import { deadLetterQueue } from "../../bindings/queue-consumer.ts";
import { resourceOf } from "../../bindings/resource.ts";
import type { Binding } from "../../model.ts";
import type { Around } from "./brief.ts";
import { resourceName } from "./names.ts";
import type { Operation } from "./operation.ts";
import { marksOf, withoutMarks } from "./replaced.ts";
import { custom, plain, routeTriggers } from "./routes.ts";
import { clean, concerned, includes, type Trigger, type TriggerContext } from "./trigger.ts";
import { workflowTriggers } from "./workflows.ts";

// biome-ignore lint/suspicious/noExplicitAny: each has its own type of value, which nobody else looks at
type AnyTrigger = Trigger<any>;

/** @returns what was changed, in words */
export async function applyTriggers(context: TriggerContext, operation: Operation): Promise<string[]> {
  const changed: string[] = [];
  for (const trigger of await triggersOf(context)) {
    const found = await trigger.read();
    const { wanted, equal = (value: unknown) => isDeepStrictEqual(value, wanted) } = trigger;
    if (equal(found)) continue;
    operation.did("", () => trigger.write(found));
    await trigger.write(wanted);
    if (trigger.what) changed.push(trigger.what);
  }
  return changed;
}

/** What would be changed. */
export async function differingTriggers(context: TriggerContext): Promise<string[]> {
  const all = await triggersOf(context);
  const found = await Promise.all(all.map(({ read }) => read()));
  return all
    .filter(({ wanted, equal = (value: unknown) => isDeepStrictEqual(value, wanted) }, index) => !equal(found[index]))
    .flatMap(({ what }) => (what ? [what] : []));
}

async function triggersOf(context: TriggerContext): Promise<AnyTrigger[]> {
  return [
    settingsTrigger(context),
    ...routeTriggers(context),
    ...cronTriggers(context),
    ...consumerTriggers(context),
    ...workflowTriggers(context),
    // From here on, it can be called.
    subdomainTrigger(context),
    ...markTriggers(context),
  ];
}

/** What a config has of all that, by which it is told what a later one has not any more. */
export function aroundOf(environment: Around): Set<string> {
  const { bindings, crons, settings } = environment;
  return new Set([
    ...(plain(environment).length > 0 ? ["routes"] : []),
    ...(custom(environment).length > 0 ? ["custom domains"] : []),
    ...(crons.length > 0 ? ["crons"] : []),
    ...(settings.logpush === undefined ? [] : ["Logpush"]),
    ...(bindings.some(isTail) ? ["tail consumers"] : []),
    ...bindings.filter(isConsumer).map((binding) => `consumer of ${queueOf(binding)}`),
  ]);
}

interface ScriptSettings {
  tags: string[];
  logpush: boolean;
  tail_consumers: unknown[];
  observability: Record<string, unknown>;
}

/** Logpush and tail consumers that no config has written are somebody else's; without a word about it, nothing is observed. */
function settingsTrigger(context: TriggerContext): Trigger<Partial<ScriptSettings>> {
  const { network, environment, about, metadata, tags } = context;
  const path = `${network.script(environment.scriptName)}/script-settings`;
  const { logpush, tail_consumers, observability } = metadata as Partial<ScriptSettings>;
  const pushes = concerned(context, ({ settings }) => settings.logpush !== undefined);
  const tails = concerned(context, ({ bindings }) => bindings.some(isTail));
  const wanted: Partial<ScriptSettings> = {
    tags,
    ...(pushes && { logpush: logpush === true }),
    ...(tails && { tail_consumers: tail_consumers ?? [] }),
    observability: observability ?? { enabled: false },
  };
  return {
    what: "settings",
    wanted,
    async read() {
      const found = await network.api.get<Partial<Record<keyof ScriptSettings, unknown>>>(path, { about });
      return {
        tags: (found.tags as string[] | null) ?? [],
        logpush: found.logpush === true,
        tail_consumers: (found.tail_consumers as unknown[] | null) ?? [],
        observability: (found.observability as Record<string, unknown> | null) ?? { enabled: false },
      };
    },
    equal: (found) =>
      isDeepStrictEqual([...(found.tags ?? [])].sort(), [...tags].sort()) &&
      (!pushes || found.logpush === wanted.logpush) &&
      (!tails || isDeepStrictEqual(found.tail_consumers, wanted.tail_consumers)) &&
      // The network fills in defaults of its own.
      includes(found.observability, wanted.observability),
    write: (value) => network.api.patch(path, { body: value, about }),
  };
}

/** The last of all: everything of the versions before is gone now. */
function markTriggers({ network, environment, tags, about }: TriggerContext): Trigger<string[]>[] {
  if (marksOf(tags).length === 0) return [];
  const path = `${network.script(environment.scriptName)}/script-settings`;
  return [
    {
      what: "",
      wanted: withoutMarks(tags),
      read: async () => tags,
      write: (value) => network.api.patch(path, { body: { tags: value }, about }),
    },
  ];
}

function cronTriggers(context: TriggerContext): Trigger<string[]>[] {
  const { network, environment, about } = context;
  const isWritten = environment.written["triggers.crons"] !== undefined;
  if (!isWritten && !concerned(context, ({ crons }) => crons.length > 0)) return [];
  const path = `${network.script(environment.scriptName)}/schedules`;
  return [
    {
      what: "crons",
      wanted: environment.crons,
      async read() {
        const { schedules } = await network.api.get<{ schedules: { cron: string }[] }>(path, { about });
        return schedules.map(({ cron }) => cron);
      },
      equal: (found) => isDeepStrictEqual([...found].sort(), [...environment.crons].sort()),
      write: (crons) => network.api.put(path, { body: crons.map((cron) => ({ cron })), about }),
    },
  ];
}

function subdomainTrigger({ network, environment, about }: TriggerContext): AnyTrigger {
  const path = `${network.script(environment.scriptName)}/subdomain`;
  const { settings, workersDev, routes } = environment;
  const previews = settings.preview_urls as boolean | undefined;
  type Subdomain = { enabled: boolean; previews_enabled?: boolean };
  const wanted: Subdomain = {
    enabled: workersDev ?? routes.length === 0,
    ...(previews !== undefined && { previews_enabled: previews }),
  };
  return {
    what: wanted.enabled ? "workers.dev on" : "workers.dev off",
    wanted,
    read: () => network.api.get<Subdomain>(path, { about }),
    equal: (found) => includes(found, wanted),
    write: ({ enabled, previews_enabled }) =>
      network.api.post(path, {
        body: clean({ enabled, previews_enabled }),
        headers: { "Cloudflare-Workers-Script-Api-Date": "2025-08-01" },
        about,
      }),
  } satisfies Trigger<Subdomain>;
}

interface Consumer {
  consumer_id?: string;
  type: string;
  script?: string;
  service?: string;
  script_name?: string;
  dead_letter_queue?: string;
  settings?: Record<string, unknown>;
}

interface Queue {
  queue_id: string;
  queue_name: string;
  consumers?: Consumer[];
}

const isTail = ({ kind }: Binding): boolean => kind === "tail-consumer";
const isConsumer = ({ kind }: Binding): boolean => kind === "queue-consumer";
const queueOf = (binding: Binding): string => resourceName(resourceOf(binding));

function consumerTriggers(context: TriggerContext): AnyTrigger[] {
  const { environment, previous } = context;
  const wanted = environment.bindings.filter(isConsumer);
  const gone = new Set(previous.flatMap(({ bindings }) => bindings.filter(isConsumer)).map(queueOf));
  for (const binding of wanted) gone.delete(queueOf(binding));
  return [
    ...wanted.map((binding) => consumerTrigger(context, queueOf(binding), consumerBody(context, binding))),
    ...[...gone].map((queue) => consumerTrigger(context, queue, undefined)),
  ];
}

function consumerBody({ environment }: TriggerContext, binding: Binding): Consumer {
  const { max_batch_size, max_retries, max_batch_timeout, max_concurrency, retry_delay } = binding.entry as Record<
    string,
    number | undefined
  >;
  const dead = deadLetterQueue(binding);
  return clean({
    type: "worker",
    dead_letter_queue: dead && resourceName(dead),
    script_name: environment.scriptName,
    settings: clean({
      batch_size: max_batch_size,
      max_retries,
      max_wait_time_ms: max_batch_timeout === undefined ? undefined : max_batch_timeout * 1000,
      max_concurrency,
      retry_delay,
    }),
  }) as Consumer;
}

/** @param wanted undefined: none of this script's */
function consumerTrigger({ network, environment, about }: TriggerContext, queue: string, wanted: Consumer | undefined) {
  const { scriptName } = environment;
  const find = async (): Promise<{ queueId: string; consumer?: Consumer }> => {
    const found = await network.api.list<Queue>(`${network.base}/queues`, { query: { name: queue }, about });
    const known = found.find(({ queue_name }) => queue_name === queue);
    if (!known) return { queueId: "" };
    const consumer = known.consumers?.find(({ script, service, script_name }) =>
      [script, service, script_name].includes(scriptName),
    );
    return { queueId: known.queue_id, ...(consumer && { consumer }) };
  };
  return {
    what: `consumer of ${queue}`,
    wanted,
    read: async () => (await find()).consumer,
    equal: (found) =>
      wanted === undefined
        ? found === undefined
        : found !== undefined &&
          (found.dead_letter_queue || undefined) === wanted.dead_letter_queue &&
          includes(found.settings ?? {}, wanted.settings),
    async write(value) {
      const { queueId, consumer } = await find();
      const path = `${network.base}/queues/${queueId}/consumers`;
      const body =
        value &&
        clean({
          type: "worker",
          dead_letter_queue: value.dead_letter_queue,
          script_name: scriptName,
          settings: value.settings,
        });
      if (!body) return consumer && network.api.delete(`${path}/${consumer.consumer_id}`, { about });
      if (consumer) return network.api.put(`${path}/${consumer.consumer_id}`, { body, about });
      return network.api.post(path, { body, about, landed: async () => (await find()).consumer });
    },
  } satisfies Trigger<Consumer | undefined>;
}
