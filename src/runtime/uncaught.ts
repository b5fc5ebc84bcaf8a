/**
 * The module that makes a worker say what it did not catch: it hands the runtime stand-ins for the exported handlers and
 * classes. Only the runtime sees them: the code's own `this`, classes and calls among its methods stay what they are, so
 * an error that the code catches itself is never told.
 */

/** Name of the export that wraps one exported value. */
export const WRAP = "__troupeWrap";

/** Goes into the module that defines `say` (prelude.ts). */
export const UNCAUGHT_SOURCE = `
import { DurableObject, RpcPromise, WorkerEntrypoint, WorkflowEntrypoint } from "cloudflare:workers";

/** What the runtime calls by itself. Everything else on a class is RPC. */
const HANDLERS = ["fetch", "scheduled", "queue", "email", "tail", "trace", "tailStream", "test", "connect", "alarm", "webSocketMessage", "webSocketClose", "webSocketError"];
const NOT_A_RESPONSE = "Incorrect type for Promise: the Promise did not resolve to 'Response'.";
const then = Promise.prototype.then;

/** Errors already told, when, and in which request: one may be awaited and given to waitUntil, or be thrown once more. */
const told = new WeakMap();

function tell(error, how = {}) {
  try {
    const object = error !== null && (typeof error === "object" || typeof error === "function");
    // The Workflows engine stops a run that was paused or terminated by an error.
    if (object && typeof error.message === "string" && error.message.startsWith("Aborting engine:")) return;
    const ray = rayOf(how.request);
    const now = Date.now();
    let passed = object && (error.remote === true || error.durableObjectReset === true);
    if (object) {
      const before = told.get(error);
      if (before && now - before.now < 1000) {
        if (ray === undefined || ray === before.ray) return;
        passed ||= before.ray === undefined;
      }
      told.set(error, { now, ray });
    }
    say({ ...described(error, object), ray, passed });
  } catch {
    // An error that cannot even be looked at.
  }
}

function described(error, object) {
  if (!object) return { name: "Error", message: String(error) };
  const message = typeof error.message === "string" ? error.message : Object.prototype.toString.call(error);
  return { name: typeof error.name === "string" ? error.name : "Error", message, stack: framesOf(error) };
}

function framesOf(error) {
  const parts = [];
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) {
    const frames = typeof each.stack === "string" ? each.stack.split("\\n").filter((line) => /^\\s+at /.test(line)).join("\\n") : "";
    if (depth > 0) parts.push("    caused by " + each.name + ": " + each.message);
    if (frames) parts.push(frames);
  }
  return parts.length > 0 ? parts.join("\\n") : undefined;
}

function rayOf(request) {
  return request instanceof Request ? (request.headers.get("cf-ray") ?? undefined) : undefined;
}

/** Calls what the runtime asked for, and looks at what comes of it. Nothing that passes through is changed. */
function run(callable, self, args, how = {}) {
  let result;
  try {
    result = Reflect.apply(callable, self, args);
  } catch (error) {
    tell(error, how);
    throw error;
  }
  const failed = (error) => tell(error, how);
  const settled = how.response ? (value) => { if (!(value instanceof Response)) tell({ name: "TypeError", message: NOT_A_RESPONSE }, how); } : undefined;
  if (result instanceof Promise) then.call(result, settled, failed);
  else if (result !== null && typeof result === "object" && typeof result.then === "function" && !(result instanceof Response)) {
    // A query that runs when it is awaited must not run twice, so the runtime gets the promise of the one time. What RPC
    // gives back is handed on: it is pipelined, and its error is told by its own worker.
    if (result instanceof RpcPromise && !how.response) return result;
    const once = new Promise((resolve, reject) => result.then(resolve, reject));
    then.call(once, settled, failed);
    return once;
  } else settled?.(result);
  return result;
}

const howOf = (key, args) => (key === "fetch" ? { response: true, request: args[0] } : undefined);

/** What the runtime itself says then; but it would say so to nobody. */
function noFetch() {
  throw Object.assign(new Error("Handler does not export a fetch() function."), { stack: undefined });
}

function property(target, key) {
  try {
    return target[key] ?? (key === "fetch" ? noFetch : undefined);
  } catch (error) {
    tell(error);
    throw error;
  }
}

/** An instance as the runtime sees it. One of these is made for every call, so it has to be cheap. */
const INSTANCE = {
  get(target, key) {
    const value = property(target, key);
    if (typeof value !== "function" || typeof key !== "string" || key === "constructor") return value;
    if (Object.hasOwn(target, key) && Object.isFrozen(target)) return value;
    return (...args) => run(value, target, args, howOf(key, args));
  },
};

function classStandIn(Class) {
  return class extends Class {
    static { Object.defineProperty(this, "name", { value: Class.name }); }
    constructor(...args) {
      watchContext(args[0]);
      let instance;
      try {
        instance = Reflect.construct(Class, args);
      } catch (error) {
        tell(error);
        throw error;
      }
      return new Proxy(instance, INSTANCE);
    }
  };
}

/**
 * An exported object as the runtime sees it, which asks for its handlers once. The Proxy stands on an object of its own:
 * what is frozen could not be replaced.
 */
function objectStandIn(target) {
  const methods = new Map();
  const method = (value, key) => {
    const stand = (...args) => {
      watchContext(args[2]);
      return run(value, target, args, howOf(key, args));
    };
    // RPC to a plain object goes by the length.
    return Object.defineProperties(stand, { name: { value: value.name }, length: { value: value.length } });
  };
  return new Proxy(Object.create(Object.getPrototypeOf(target)), {
    get(_shadow, key) {
      const value = property(target, key);
      if (typeof value !== "function" || typeof key !== "string" || key === "constructor") return value;
      if (methods.get(key)?.value !== value) methods.set(key, { value, stand: method(value, key) });
      return methods.get(key).stand;
    },
    has: (_shadow, key) => Reflect.has(target, key),
    set: (_shadow, key, value) => Reflect.set(target, key, value),
    ownKeys: () => Reflect.ownKeys(target),
    getOwnPropertyDescriptor(_shadow, key) {
      const descriptor = Reflect.getOwnPropertyDescriptor(target, key);
      return descriptor && { ...descriptor, configurable: true };
    },
  });
}

const seen = new WeakSet();

/** On the prototype: once for all contexts of a kind. */
function watchContext(context) {
  const prototype = context === null || typeof context !== "object" ? null : Object.getPrototypeOf(context);
  if (prototype === null || prototype === Object.prototype || seen.has(prototype)) return;
  seen.add(prototype);
  const { waitUntil, blockConcurrencyWhile } = prototype;
  if (typeof waitUntil === "function")
    prototype.waitUntil = function (promise) {
      if (promise instanceof Promise) then.call(promise, undefined, tell);
      return waitUntil.call(this, promise);
    };
  if (typeof blockConcurrencyWhile === "function")
    prototype.blockConcurrencyWhile = function (callback) {
      return blockConcurrencyWhile.call(this, (...args) => run(callback, undefined, args));
    };
}

function isCallable(object, key) {
  try {
    return typeof object?.[key] === "function";
  } catch {
    return false;
  }
}

/** Timers tell nobody either. */
for (const name of ["setTimeout", "setInterval", "queueMicrotask"]) {
  const original = globalThis[name];
  globalThis[name] = Object.defineProperties(
    (callback, ...rest) => original(typeof callback === "function" ? (...args) => run(callback, undefined, args) : callback, ...rest),
    Object.getOwnPropertyDescriptors(original),
  );
}

export function ${WRAP}(value, main) {
  if (typeof value === "function") {
    const { prototype } = value;
    const known = [DurableObject, WorkerEntrypoint, WorkflowEntrypoint].some((base) => prototype instanceof base);
    return known || HANDLERS.some((key) => isCallable(prototype, key)) ? classStandIn(value) : value;
  }
  if (value === null || typeof value !== "object") return value;
  if (!main && !HANDLERS.some((key) => isCallable(value, key))) return value;
  return objectStandIn(value);
}

addEventListener("unhandledrejection", (event) => tell(event.reason));
`;
