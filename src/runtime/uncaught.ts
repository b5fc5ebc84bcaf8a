/**
 * The module that makes a worker say what it did not catch: it hands the runtime stand-ins for the exported handlers and
 * classes. Only the runtime sees them: the code's own `this`, classes and calls among its methods stay what they are, so
 * an error that the code catches itself is never told.
 */
import { BACKGROUND_SOURCE } from "./background.ts";
import { STAND_INS_SOURCE } from "./stand-ins.ts";

/** Name of the export that wraps one exported value. */
export const WRAP = "__troupeWrap";

/** Goes into the module that defines `say` (prelude.ts). */
export const UNCAUGHT_SOURCE = `
import { DurableObject, RpcPromise, WorkerEntrypoint, WorkflowEntrypoint } from "cloudflare:workers";

/** As the runtime knows them, whatever the code makes of the global ones. */
const { Promise, Request, Response } = globalThis;
const { then } = Promise.prototype;
const NOT_A_RESPONSE = "Incorrect type for Promise: the Promise did not resolve to 'Response'.";

/** Errors already told, when, and in which request: one may be awaited and given to waitUntil, or be thrown once more. */
const told = new WeakMap();

function tell(error, request) {
  try {
    const object = error !== null && (typeof error === "object" || typeof error === "function");
    // The Workflows engine stops a run that was paused or terminated by an error.
    if (object && typeof error.message === "string" && error.message.startsWith("Aborting engine:")) return;
    const ray = rayOf(request);
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

/** Looks at what comes of a call, which passes through unchanged. */
function passOn(result) {
  if (result instanceof Promise) {
    then.call(result, undefined, tell);
    return result;
  }
  if (!isThenable(result) || result instanceof RpcPromise) return result;
  return passOn(once(result));
}

/** The same with what answers a request. */
function passAnswer(result, request) {
  const settled = (value) => {
    if (!(value instanceof Response)) tell({ name: "TypeError", message: NOT_A_RESPONSE }, request);
  };
  if (result instanceof Promise) {
    then.call(result, settled, (error) => tell(error, request));
    return result;
  }
  if (!(result instanceof Response) && isThenable(result)) return passAnswer(once(result), request);
  settled(result);
  return result;
}

function isThenable(value) {
  return value !== null && typeof value === "object" && typeof value.then === "function";
}

/**
 * A query that runs when it is awaited must not run twice, so the runtime gets the promise of the one time. (What RPC
 * gives back is handed on, though: it is pipelined, and its error is told by its own worker.)
 */
function once(thenable) {
  return new Promise((resolve, reject) => thenable.then(resolve, reject));
}

/** Calls what is no handler. */
function run(callable, self, args) {
  try {
    return passOn(Reflect.apply(callable, self, args));
  } catch (error) {
    tell(error);
    throw error;
  }
}

const contexts = new WeakSet();
let lastContext;

/** On the prototype: once for all contexts of a kind. */
function watchContext(context) {
  const prototype = context === null || typeof context !== "object" ? null : Object.getPrototypeOf(context);
  if (prototype === lastContext || prototype === null || prototype === Object.prototype) return;
  lastContext = prototype;
  if (contexts.has(prototype)) return;
  contexts.add(prototype);
  const { waitUntil, blockConcurrencyWhile } = prototype;
  if (typeof waitUntil === "function")
    prototype.waitUntil = function (promise) {
      if (promise instanceof Promise) follow(promise);
      return waitUntil.call(this, promise);
    };
  if (typeof blockConcurrencyWhile === "function")
    prototype.blockConcurrencyWhile = function (callback) {
      return blockConcurrencyWhile.call(this, (...args) => run(callback, undefined, args));
    };
}

/** Timers tell nobody either. */
for (const name of ["setTimeout", "setInterval", "queueMicrotask"]) {
  const original = globalThis[name];
  globalThis[name] = Object.defineProperties(
    (callback, ...rest) => original(typeof callback === "function" ? (...args) => run(callback, undefined, args) : callback, ...rest),
    Object.getOwnPropertyDescriptors(original),
  );
}

addEventListener("unhandledrejection", (event) => tell(event.reason));
${STAND_INS_SOURCE}${BACKGROUND_SOURCE}
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
`;
