/**
 * The static worker of a service whose code is loaded: it holds the bindings, and hands every event on to the newest code.
 * Loaded workers can't be bound by others (workerd refuses to pass their entrypoints on), so others bind this one.
 */
import type { WorkerOptions } from "../bindings/kind.ts";

type Manifest = NonNullable<WorkerOptions["config"]["manifest"]>;

/** Bindings of the shell that the code must not see start with this. */
export const HIDDEN = "__TROUPE_";
export const LOADER = `${HIDDEN}LOADER`;
export const SOURCE = `${HIDDEN}SOURCE`;
export const TAIL = `${HIDDEN}TAIL`;
/** Entrypoint of the shell that troupe talks to. */
export const CONTROL = "__troupe_control";
/** Entry module of the loaded code, and its entrypoint that the shell talks to. */
const LOADED = "__troupe_loaded";

/**
 * Besides the flags of the code, which the shell has as well: how errors are passed on, say, depends on them.
 * `Fetcher.scheduled()` is one of the extra handlers, which are experimental.
 */
export const SHELL_FLAGS = ["experimental", "service_binding_extra_handlers"];
/** The date that made RPC the default: the shell can't go without. */
export const SHELL_SINCE = "2024-04-03";

/**
 * A revision is asked for by its name in every event: the loader keeps it until it is released. Only after a crash of the
 * process the name says nothing to the loader, and the callback fetches the code again.
 *
 * `reach` is there for getters and paths (`await env.X.prop`, `env.X.target.method()`): the runtime follows neither through
 * the property of a stub, but it does through what looks like an RpcTarget.
 */
const SOURCE_CODE = `
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";

let revision = "current";

async function code(env, wanted) {
  const response = await env.${SOURCE}.fetch("http://troupe/" + wanted);
  if (!response.ok) throw new Error(await response.text());
  const { modules, ...rest } = await response.json();
  for (const module of Object.values(modules)) {
    for (const type of ["wasm", "data"]) if (type in module) module[type] = Uint8Array.fromBase64(module[type]).buffer;
  }
  const visible = Object.entries(env).filter(([name]) => !name.startsWith("${HIDDEN}"));
  return { ...rest, modules, env: Object.fromEntries(visible), tails: env.${TAIL} ? [env.${TAIL}] : [] };
}

function loaded(env, name, options, which = revision) {
  return env.${LOADER}.get(which, () => code(env, which)).getEntrypoint(name, options);
}

function reach(property) {
  const callable = Object.setPrototypeOf(() => {}, RpcTarget.prototype);
  delete callable.name;
  delete callable.length;
  return new Proxy(callable, {
    apply: (_target, _self, args) => property(...args),
    get: (_target, key) =>
      key === "then" || key === "catch" || key === "finally" ? property[key].bind(property) : reach(property[key]),
  });
}

async function scheduled(target, controller) {
  const { scheduledTime, cron } = controller;
  const { outcome, noRetry } = await target.scheduled({ scheduledTime: new Date(scheduledTime), cron });
  if (noRetry) controller.noRetry();
  if (outcome !== "ok") throw new Error("scheduled: " + outcome);
}

function shell(name) {
  return class extends WorkerEntrypoint {
    constructor(ctx, env) {
      super(ctx, env);
      const target = () => loaded(env, name, { props: ctx.props });
      return new Proxy(this, {
        get(self, key) {
          if (key === "fetch") return (request) => target().fetch(request);
          if (key === "scheduled") return (controller) => scheduled(target(), controller);
          if (typeof key === "symbol" || Reflect.has(self, key)) return Reflect.get(self, key);
          return reach(target()[key]);
        },
      });
    }
  };
}

export class ${CONTROL} extends WorkerEntrypoint {
  async fetch(request) {
    if (!request.headers.has("${CONTROL}")) return new Response(null, { status: 403 });
    const [, verb, which] = new URL(request.url).pathname.split("/");
    const control = loaded(this.env, "${LOADED}", undefined, which);
    if (verb === "use") revision = which;
    // Its promise never comes back: the isolate it would come from is let go.
    else if (verb === "release") await control.release().catch(() => {});
    else {
      const error = await control.ready().then(() => undefined, (error) => error);
      if (error) return new Response(error.message, { status: 500 });
    }
    return new Response();
  }
}
`;

/** @param exports names that the code exports */
export function shellManifest(exports: readonly string[]): Manifest {
  const lines = exports.map((name) =>
    name === "default"
      ? "export default shell();"
      : `const ${local(name)} = shell(${JSON.stringify(name)});\nexport { ${local(name)} as ${JSON.stringify(name)} };`,
  );
  return {
    mainModule: "__troupe_shell.js",
    modules: { "__troupe_shell.js": { type: "esm", contents: SOURCE_CODE + lines.join("\n") } },
  };
}

/** Names of exports may be words that no variable can have. */
function local(name: string): string {
  return `export_${Buffer.from(name).toString("hex")}`;
}

/** What Node hands to the shell: `WorkerLoaderWorkerCode` without its bindings, in JSON; bytes are base64. */
export function loadedCode(config: WorkerOptions["config"], exports: readonly string[]): string {
  const { mainModule, modules } = config.manifest as Manifest;
  const from = JSON.stringify(`./${mainModule}`);
  const entry = `import { WorkerEntrypoint, abortIsolate } from "cloudflare:workers";
export * from ${from};
${exports.includes("default") ? `export { default } from ${from};` : ""}
export class ${LOADED} extends WorkerEntrypoint {
  ready() {}
  release() { abortIsolate(); }
}`;
  return JSON.stringify({
    compatibilityDate: config.compatibilityDate,
    compatibilityFlags: config.compatibilityFlags ?? [],
    allowExperimental: true,
    mainModule: `${LOADED}.js`,
    modules: {
      [`${LOADED}.js`]: { js: entry },
      ...Object.fromEntries(Object.entries(modules).map(([name, module]) => [name, loadedModule(module)])),
    },
  });
}

function loadedModule({ type, contents }: Manifest["modules"][string]): Record<string, unknown> {
  const text = (): string => (typeof contents === "string" ? contents : Buffer.from(contents!).toString("utf8"));
  if (type === "esm") return { js: text() };
  if (type === "json") return { json: JSON.parse(text()) };
  if (type === "wasm" || type === "data") return { [type]: Buffer.from(contents as Uint8Array).toString("base64") };
  return { [type]: text() };
}
