/** Every kind of binding, listed once. Adding one: its file, and a line here (docs/ARCHITECTURE.md). */
import { TroupeError } from "../errors.ts";
import type { Binding, Environment } from "../model.ts";
import { agentMemory } from "./agent-memory.ts";
import { ai } from "./ai.ts";
import { aiSearch } from "./ai-search.ts";
import { aiSearchNamespace } from "./ai-search-namespace.ts";
import { analyticsEngine } from "./analytics-engine.ts";
import { analyticsSql } from "./analytics-sql.ts";
import { artifacts } from "./artifacts.ts";
import { assets } from "./assets.ts";
import { browser } from "./browser.ts";
import { cloudchamber } from "./cloudchamber.ts";
import { connect } from "./connect.ts";
import { containers } from "./containers.ts";
import { d1 } from "./d1.ts";
import { dispatchNamespace } from "./dispatch-namespace.ts";
import { durableObject } from "./durable-object.ts";
import { flagship } from "./flagship.ts";
import { helloWorld } from "./hello-world.ts";
import { hyperdrive } from "./hyperdrive.ts";
import { images } from "./images.ts";
import { k2 } from "./k2.ts";
import type { BindingConfigKey, BindingKind, StateClass } from "./kind.ts";
import { kv } from "./kv.ts";
import { logfwdr } from "./logfwdr.ts";
import { media } from "./media.ts";
import { durableClasses } from "./migrations.ts";
import { mtlsCertificate } from "./mtls-certificate.ts";
import { pipelines } from "./pipelines.ts";
import { queue } from "./queue.ts";
import { queueConsumer } from "./queue-consumer.ts";
import { r2 } from "./r2.ts";
import { ratelimit } from "./ratelimit.ts";
import { secret } from "./secret.ts";
import { secretsStoreSecret } from "./secrets-store-secret.ts";
import { sendEmail } from "./send-email.ts";
import { service } from "./service.ts";
import { stream } from "./stream.ts";
import { streamingTailConsumer } from "./streaming-tail-consumer.ts";
import { tailConsumer } from "./tail-consumer.ts";
import { unsafe } from "./unsafe.ts";
import { variable } from "./var.ts";
import { vectorize } from "./vectorize.ts";
import { versionMetadata } from "./version-metadata.ts";
import { vpcNetwork } from "./vpc-network.ts";
import { vpcService } from "./vpc-service.ts";
import { workerLoader } from "./worker-loader.ts";
import { workflow } from "./workflow.ts";

/** In the order in which `bindings` shows them. */
export const BINDING_KINDS: readonly BindingKind[] = [
  service,
  variable,
  secret,
  kv,
  r2,
  d1,
  queue,
  queueConsumer,
  durableObject,
  workflow,
  mtlsCertificate,
  assets,
  hyperdrive,
  sendEmail,
  tailConsumer,
  streamingTailConsumer,
  versionMetadata,
  ratelimit,
  analyticsEngine,
  analyticsSql,
  secretsStoreSecret,
  images,
  stream,
  media,
  browser,
  ai,
  vectorize,
  aiSearch,
  aiSearchNamespace,
  agentMemory,
  pipelines,
  k2,
  artifacts,
  flagship,
  dispatchNamespace,
  workerLoader,
  vpcService,
  vpcNetwork,
  connect,
  containers,
  cloudchamber,
  logfwdr,
  helloWorld,
  unsafe,
];

const byId = new Map(BINDING_KINDS.map((kind) => [kind.id, kind]));

/** @returns the kind with this id, as used in `--json` output and on the command line */
export function kindById(id: string): BindingKind | undefined {
  return byId.get(id);
}

/**
 * @returns the kind of a binding of the resolved model
 * @throws TroupeError INTERNAL when there is no such kind
 */
export function kindOf(binding: Binding): BindingKind {
  const kind = byId.get(binding.kind);
  if (!kind) throw new TroupeError("INTERNAL", `binding ${binding.name} has the unknown kind "${binding.kind}"`);
  return kind;
}

/** The strictest of what an environment keeps: its bindings, and Durable Object classes that it declares and binds nowhere. */
export function stateOf(environment: Environment): StateClass {
  const states = new Set(environment.bindings.map((binding) => kindOf(binding).state));
  if (states.has("exclusive") || durableClasses(environment).size > 0) return "exclusive";
  return states.has("disk") ? "disk" : "none";
}

/** @returns what cannot work locally about a binding, for people; undefined when it works */
export function notLocal(binding: Binding): string | undefined {
  const kind = kindOf(binding);
  return kind.notLocal ?? kind.notLocalFor?.(binding);
}

/** Every place in a config file where bindings stand, with the kind that owns it. */
export const BINDING_KEYS: readonly { kind: BindingKind; key: BindingConfigKey }[] = BINDING_KINDS.flatMap((kind) =>
  kind.keys.map((key) => ({ kind, key })),
);

/** Top-level config keys that hold bindings: "vars", "durable_objects", "queues"… */
export const BINDING_TOP_LEVEL_KEYS: ReadonlySet<string> = new Set(BINDING_KEYS.map(({ key }) => key.path[0]!));
