/** Services written as config tables and inline code, run for real. */
import { setTimeout as delay } from "node:timers/promises";
import { Agent } from "undici";
import { BINDING_KEYS } from "../../src/bindings/index.ts";
import { connectLocal } from "../../src/lib/unix-origin.ts";
import type { Binding, Environment } from "../../src/model.ts";
import { createGraphRuntime } from "../../src/runtime/index.ts";
import type { GraphRuntime, GraphSpec, RuntimeEvent, SwapResult } from "../../src/runtime/types.ts";
import { graph, type InlineService } from "../support/graph.ts";

type Table = Record<string, unknown>;

export interface ServiceTable extends Omit<InlineService, "bindings"> {
  /** The config file's binding keys, as written. */
  config?: Table;
}

/**
 * The bindings of a config, as the loader makes them: validated by their kinds' schemas, with a resource each.
 * @param edition the environment whose own editions the resources are; absent: the originals
 */
export function bindingsOf(service: string, config: Table, edition?: string): Binding[] {
  return BINDING_KEYS.flatMap(({ kind, key }) => {
    const value = key.path.reduce<unknown>((table, part) => (table as Table | undefined)?.[part], config);
    if (value === undefined) return [];
    const written = { file: "/inline/troupe.toml", path: [...key.path], environment: "production" };
    const entries: [name: string | undefined, entry: unknown][] = {
      list: () => (value as Table[]).map((entry): [string, Table] => [String(entry[key.nameField!]), entry]),
      single: (): [string | undefined, unknown][] => [
        [(value as Table)[key.nameField ?? ""] as string | undefined, value],
      ],
      record: () => Object.entries(value as Table),
      names: () => (value as string[]).map((name): [string, Table] => [name, {}]),
    }[key.form]();
    return entries.map(([name, raw]): Binding => {
      const parsed = key.entry.parse(raw);
      const entry = (key.form === "record" ? { value: parsed } : parsed) as Table;
      const binding: Binding = {
        name: name ?? key.path.at(-1)!,
        kind: kind.id,
        inEnv: key.inEnv !== false && name !== undefined,
        entry,
        origin: edition === undefined ? "own" : "inherited",
        written,
      };
      if (!kind.resource || kind.resource.applies?.(entry) === false) return binding;
      const field = kind.resource.fields.find((candidate) => entry[candidate] !== undefined);
      const resource = field === undefined ? `${service}/${binding.name}` : String(entry[field]);
      const id = edition === undefined ? resource : `${resource}@${edition}`;
      return {
        ...binding,
        resource: { type: kind.resource.type, id, name: resource, ...(edition !== undefined && { edition }) },
      };
    });
  });
}

export function environmentOf(service: string, config: Table, overrides: Partial<Environment> = {}): Environment {
  const { environment } = graph({ [service]: { code: "export default {}" } }).workers[0]!;
  return { ...environment, bindings: bindingsOf(service, config, overrides.name), ...overrides };
}

/** One binding of a config that has just one. */
export function bindingOf(config: Table, edition?: string): Binding {
  const [binding] = bindingsOf("shop", config, edition);
  return binding!;
}

export function spec(services: Record<string, ServiceTable>, options: Partial<GraphSpec> = {}): GraphSpec {
  const inline = Object.entries(services).map(
    ([name, { config = {}, environment, ...service }]): [string, InlineService] => [
      name,
      { ...service, environment: { bindings: bindingsOf(name, config), ...environment } },
    ],
  );
  return graph(Object.fromEntries(inline), options);
}

interface RequestOptions {
  method?: "GET" | "POST" | "PUT";
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

export interface Running {
  events: RuntimeEvent[];
  started: SwapResult;
  /** Sends a request to a service of the graph. */
  send(service: string, path: string, init?: RequestOptions): Promise<Response>;
  /** Sends a request and reads its answer as JSON. @throws when the answer is no JSON */
  json<T = unknown>(service: string, path: string, init?: RequestOptions): Promise<T>;
  runtime: GraphRuntime;
  close(): Promise<void>;
}

export async function start(
  services: Record<string, ServiceTable>,
  options: Partial<GraphSpec> = {},
): Promise<Running> {
  const events: RuntimeEvent[] = [];
  const agent = new Agent({ connect: connectLocal });
  const runtime = createGraphRuntime({ onEvent: (event) => events.push(event) });
  const started = await runtime.swap(spec(services, options)).catch(async (error) => {
    await runtime.close();
    throw error;
  });
  const send = async (service: string, path: string, init: RequestOptions = {}): Promise<Response> => {
    const lease = await runtime.acquire(`${service}@production`);
    try {
      // The whole URL as the request's target, as the front door sends it.
      const target = new URL(path, `http://${service}.localhost`).href;
      const { statusCode, headers, body } = await agent.request({
        origin: lease.origin,
        path: target,
        method: init.method ?? "GET",
        headers: { ...init.headers, host: `${service}.localhost` },
        body: init.body ?? null,
      });
      const bytes = await body.arrayBuffer();
      const lines = Object.entries(headers).flatMap(([name, value]) =>
        [value ?? []].flat().map((one): [string, string] => [name, one]),
      );
      return new Response([204, 205, 304].includes(statusCode) ? null : bytes, { status: statusCode, headers: lines });
    } finally {
      lease.release();
    }
  };
  return {
    events,
    started,
    runtime,
    send,
    async json(service, path, init) {
      const response = await send(service, path, init);
      const text = await response.text();
      try {
        return JSON.parse(text);
      } catch {
        throw new Error(
          `${service} ${path} answered ${response.status}: ${text}\n${JSON.stringify(events.slice(-5), null, 2)}`,
        );
      }
    },
    async close() {
      await agent.destroy();
      await runtime.close();
    },
  };
}

/** Asks again until the answer is there. @throws after 20 seconds */
export async function until<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error("waited 30 seconds in vain");
    await delay(50);
  }
}
