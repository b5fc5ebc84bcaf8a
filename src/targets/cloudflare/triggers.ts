/**
 * Everything around a Worker that is no part of its versions: addresses, crons, queue consumers, Workflows, script settings.
 * Each is read, compared with what the config says, and written only where it differs: so an interrupted deploy is completed
 * by the next one, and each can be put back.
 */
import { isDeepStrictEqual } from "node:util";
import { deadLetterQueue } from "../../bindings/queue-consumer.ts";
import { resourceOf } from "../../bindings/resource.ts";
import type { Binding, Environment, Resource, Route } from "../../model.ts";
import type { Network } from "./network.ts";
import type { Operation } from "./operation.ts";

export interface TriggerContext {
  network: Network;
  environment: Environment;
  /** The environment of the version before this one: what it had and this one has not goes. */
  previous?: Environment;
  /** `service gateway@staging`. */
  about: string;
  /** Upload metadata of the version. */
  metadata: Record<string, unknown>;
  /** Tags for the script. */
  tags: string[];
  /** The network's name of a resource. */
  nameOf(resource: Resource): string;
}

/** One setting that can be read, written and put back. */
interface Trigger<T> {
  what: string;
  read(): Promise<T>;
  wanted: T;
  write(value: T): Promise<unknown>;
  equal?(found: T): boolean;
}

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
    changed.push(trigger.what);
  }
  return changed;
}

/** What would be changed. */
export async function differingTriggers(context: TriggerContext): Promise<string[]> {
  const all = await triggersOf(context);
  const found = await Promise.all(all.map(({ read }) => read()));
  return all
    .filter(({ wanted, equal = (value: unknown) => isDeepStrictEqual(value, wanted) }, index) => !equal(found[index]))
    .map(({ what }) => what);
}

async function triggersOf(context: TriggerContext): Promise<AnyTrigger[]> {
  return [
    settingsTrigger(context),
    ...routeTriggers(context),
    ...cronTriggers(context),
    ...consumerTriggers(context),
    ...workflowTriggers(context),
    // Last: from here on, it can be called.
    subdomainTrigger(context),
  ];
}

interface ScriptSettings {
  tags: string[];
  logpush: boolean;
  tail_consumers: unknown[];
  observability: Record<string, unknown>;
}

function settingsTrigger({ network, environment, about, metadata, tags }: TriggerContext): Trigger<ScriptSettings> {
  const path = `${network.script(environment.scriptName)}/script-settings`;
  const wanted: ScriptSettings = {
    tags,
    logpush: metadata.logpush === true,
    tail_consumers: (metadata.tail_consumers as unknown[] | undefined) ?? [],
    observability: (metadata.observability as Record<string, unknown> | undefined) ?? { enabled: false },
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
      isDeepStrictEqual([...found.tags].sort(), [...tags].sort()) &&
      found.logpush === wanted.logpush &&
      isDeepStrictEqual(found.tail_consumers, wanted.tail_consumers) &&
      // The network fills in defaults of its own.
      includes(found.observability, wanted.observability),
    write: (value) => network.api.patch(path, { body: value, about }),
  };
}

function includes(found: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return found === wanted;
  if (typeof found !== "object" || found === null) return false;
  return Object.entries(wanted).every(([key, value]) => includes((found as Record<string, unknown>)[key], value));
}

/** Whether a version before this one, or this one, has anything of a kind: what somebody else set is left alone. */
function concerned({ environment, previous }: TriggerContext, has: (environment: Environment) => boolean): boolean {
  return has(environment) || (previous !== undefined && has(previous));
}

function routeTriggers(context: TriggerContext): AnyTrigger[] {
  const { network, environment, about } = context;
  const script = network.script(environment.scriptName);
  const split = (routes: readonly Route[], custom: boolean) =>
    routes.filter((route) => (route.customDomain === true) === custom);
  const triggers: AnyTrigger[] = [];
  if (concerned(context, ({ routes }) => split(routes, false).length > 0)) {
    const wanted = split(environment.routes, false).map(routeBody);
    const patterns = (routes: readonly { pattern: string }[]) => routes.map(({ pattern }) => pattern).sort();
    triggers.push({
      what: "routes",
      wanted,
      read: () =>
        network.api.get(`${network.base}/workers/services/${environment.scriptName}/environments/production/routes`, {
          query: { show_zonename: true },
          about,
        }),
      equal: (found: { pattern: string }[]) => isDeepStrictEqual(patterns(found), patterns(wanted)),
      write: (routes: Record<string, unknown>[]) =>
        network.api.put(`${script}/routes`, {
          body: routes.map(({ pattern, zone_id, zone_name }) => clean({ pattern, zone_id, zone_name })),
          about,
        }),
    } satisfies Trigger<{ pattern: string }[]>);
  }
  if (concerned(context, ({ routes }) => split(routes, true).length > 0)) {
    const wanted = split(environment.routes, true).map(({ pattern, zoneId, zoneName }) =>
      clean({ hostname: pattern, zone_id: zoneId, zone_name: zoneName }),
    );
    const hostnames = (domains: Record<string, unknown>[]) => domains.map(({ hostname }) => hostname).sort();
    triggers.push({
      what: "custom domains",
      wanted,
      read: () =>
        network.api.list(`${network.base}/workers/domains`, { query: { service: environment.scriptName }, about }),
      equal: (found: Record<string, unknown>[]) => isDeepStrictEqual(hostnames(found), hostnames(wanted)),
      // A hostname that another Worker or DNS record has is a conflict, never taken over.
      write: (domains: Record<string, unknown>[]) =>
        network.api.put(`${script}/domains/records`, {
          body: {
            override_scope: true,
            override_existing_origin: false,
            override_existing_dns_record: false,
            origins: domains.map(({ hostname, zone_id, zone_name }) => clean({ hostname, zone_id, zone_name })),
          },
          about,
        }),
    } satisfies Trigger<Record<string, unknown>[]>);
  }
  return triggers;
}

function routeBody({ pattern, zoneId, zoneName }: Route): { pattern: string } & Record<string, unknown> {
  return clean({ pattern, zone_id: zoneId, zone_name: zoneName }) as { pattern: string };
}

function clean<T extends Record<string, unknown>>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
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

const isConsumer = ({ kind }: Binding): boolean => kind === "queue-consumer";

function consumerTriggers(context: TriggerContext): AnyTrigger[] {
  const { environment, previous } = context;
  const wanted = environment.bindings.filter(isConsumer);
  const name = (binding: Binding) => context.nameOf(resourceOf(binding));
  const names = new Set(wanted.map(name));
  const gone = (previous?.bindings ?? []).filter(isConsumer).filter((binding) => !names.has(name(binding)));
  return [
    ...wanted.map((binding) => consumerTrigger(context, name(binding), consumerBody(context, binding))),
    ...gone.map((binding) => consumerTrigger(context, name(binding), undefined)),
  ];
}

function consumerBody({ environment, nameOf }: TriggerContext, binding: Binding): Consumer {
  const { max_batch_size, max_retries, max_batch_timeout, max_concurrency, retry_delay } = binding.entry as Record<
    string,
    number | undefined
  >;
  const dead = deadLetterQueue(binding);
  return clean({
    type: "worker",
    dead_letter_queue: dead && nameOf(dead),
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

interface Workflow {
  script_name: string;
  class_name: string;
  [setting: string]: unknown;
}

/** Those whose class is the service's own. */
function workflowTriggers({ network, environment, about, nameOf }: TriggerContext): AnyTrigger[] {
  const own = environment.bindings.filter(({ kind, entry }) => kind === "workflow" && entry.script_name === undefined);
  return own.map((binding) => {
    const name = nameOf(resourceOf(binding));
    const path = `${network.base}/workflows/${encodeURIComponent(name)}`;
    const { class_name, limits, concurrency, schedules, default_retention, jurisdiction } = binding.entry;
    const wanted = clean({
      script_name: environment.scriptName,
      class_name: String(class_name),
      limits,
      concurrency,
      schedules: schedules === undefined ? undefined : [schedules].flat().map((cron) => ({ cron })),
      default_retention,
      jurisdiction,
    });
    return {
      what: `Workflow ${name}`,
      wanted,
      read: () => network.api.find<Workflow>(path, { about }),
      equal: (found) => found !== undefined && includes(found, wanted),
      write(value) {
        if (!value) return network.api.delete(path, { about });
        const { script_name, class_name: className, ...settings } = value;
        const known = ["limits", "concurrency", "schedules", "default_retention", "jurisdiction"];
        const kept = Object.fromEntries(Object.entries(settings).filter(([key]) => known.includes(key)));
        return network.api.put(path, { body: { script_name, class_name: className, ...kept }, about });
      },
    } satisfies Trigger<Workflow | undefined>;
  });
}
