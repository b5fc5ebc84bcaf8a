/**
 * Stand-ins for exported classes and objects, part of the module in uncaught.ts. A call passes several of them, so what
 * they cost shows: the runtime reads eleven handlers off every instance before it calls one, and each would be a call
 * into a Proxy. That is why an instance's stand-in is an ordinary object, whose prototype is made once for its class.
 */
export const STAND_INS_SOURCE = `
/** What the runtime calls by itself. Everything else on a class is RPC. */
const HANDLERS = ["fetch", "scheduled", "queue", "email", "tail", "trace", "tailStream", "test", "connect", "alarm", "webSocketMessage", "webSocketClose", "webSocketError"];

/** What the runtime reads off every instance before it calls one of them; that of \`self\` it throws away. */
const READ_AHEAD = ["self", ...HANDLERS.filter((key) => key !== "queue" && key !== "email")];

/** Any of these but \`fetch\`. Spelled out, it costs next to nothing when there is none. */
const anyHandler = (instance) =>
  instance.self ?? instance.connect ?? instance.tail ?? instance.trace ?? instance.tailStream ?? instance.scheduled ?? instance.alarm ??
  instance.test ?? instance.webSocketMessage ?? instance.webSocketClose ?? instance.webSocketError;

/** What the runtime itself says then; but it would say so to nobody. */
function noFetch() {
  throw Object.assign(new Error("Handler does not export a fetch() function."), { stack: undefined });
}

function property(target, key) {
  try {
    return target[key];
  } catch (error) {
    tell(error);
    throw error;
  }
}

function isCallable(object, key) {
  try {
    return typeof object?.[key] === "function";
  } catch {
    return false;
  }
}

/** What was read, and is called later if it can be. */
function valueOf(instance, key) {
  const value = property(instance, key);
  return typeof value === "function" ? (...args) => run(value, instance, args) : value;
}

/** Everything between the prototype of a class and Object's, the nearest first. */
function membersOf(prototype) {
  const members = new Map();
  for (let each = prototype; each && each !== Object.prototype; each = Object.getPrototypeOf(each)) {
    for (const key of Object.getOwnPropertyNames(each)) {
      if (key !== "constructor" && !members.has(key)) members.set(key, Object.getOwnPropertyDescriptor(each, key));
    }
  }
  return members;
}

function define(object, key, descriptor) {
  Object.defineProperty(object, key, { ...descriptor, configurable: true });
}

function classStandIn(Class) {
  /** Private, because anything else that is set would be looked for in the Proxy behind it. */
  class StandIn {
    #instance;

    constructor(instance) {
      this.#instance = instance;
    }

    static fetch(...args) {
      const instance = this.#instance;
      try {
        const { fetch } = instance;
        return passAnswer(Reflect.apply(typeof fetch === "function" ? fetch : noFetch, instance, args), args[0]);
      } catch (error) {
        tell(error, args[0]);
        throw error;
      }
    }

    static method(key) {
      return function (...args) {
        const instance = this.#instance;
        try {
          return passOn(instance[key](...args));
        } catch (error) {
          tell(error);
          throw error;
        }
      };
    }

    static getter(key) {
      return function () {
        return valueOf(this.#instance, key);
      };
    }

    /** What the class has not: what was added to it later, or what an instance that is a Proxy makes up. */
    static rest = new Proxy(Object.create(null), {
      get(_target, key, standIn) {
        if (!(#instance in standIn)) return undefined;
        const instance = standIn.#instance;
        if (typeof key !== "string" || key in Object.prototype) return property(instance, key);
        // Own properties are none of RPC's business.
        return Object.hasOwn(instance, key) && !HANDLERS.includes(key) ? undefined : valueOf(instance, key);
      },
    });
  }

  const members = Object.create(StandIn.rest);
  for (const [key, { value }] of membersOf(Class.prototype)) {
    define(members, key, typeof value === "function" ? { value: StandIn.method(key) } : { get: StandIn.getter(key) });
  }
  define(members, "fetch", { value: StandIn.fetch });

  // Most instances have no more than their class: the runtime finds out before it comes to the Proxy.
  const absent = READ_AHEAD.filter((key) => !Object.hasOwn(members, key));
  for (const key of absent) define(StandIn.prototype, key, { value: undefined });
  delete StandIn.prototype.constructor;
  Object.setPrototypeOf(StandIn.prototype, members);

  function Other() {}
  Other.prototype = members;
  const hasMore = (instance, key) => instance[key] !== undefined && (typeof instance[key] === "function" || !Object.hasOwn(instance, key));

  function other(instance) {
    if (!absent.some((key) => hasMore(instance, key))) return new StandIn(instance);
    const standIn = Reflect.construct(StandIn, [instance], Other);
    for (const key of absent) if (Object.hasOwn(instance, key)) define(standIn, key, { value: StandIn.method(key) });
    return standIn;
  }

  const hasFetchAlone = absent.length === READ_AHEAD.length - 1;
  let watched = false;
  return class extends Class {
    static { Object.defineProperty(this, "name", { value: Class.name }); }
    constructor(context, env) {
      if (!watched) {
        watchContext(context);
        watched = true;
      }
      try {
        const instance = new Class(context, env);
        return hasFetchAlone && anyHandler(instance) === undefined ? new StandIn(instance) : other(instance);
      } catch (error) {
        tell(error);
        throw error;
      }
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
    const pass = key === "fetch" ? passAnswer : passOn;
    const stand = (...args) => {
      watchContext(args[2]);
      try {
        return pass(Reflect.apply(value, target, args), args[0]);
      } catch (error) {
        tell(error, key === "fetch" ? args[0] : undefined);
        throw error;
      }
    };
    // RPC to a plain object goes by the length.
    return Object.defineProperties(stand, { name: { value: value.name }, length: { value: value.length } });
  };
  return new Proxy(Object.create(Object.getPrototypeOf(target)), {
    get(_shadow, key) {
      const value = property(target, key) ?? (key === "fetch" ? noFetch : undefined);
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
`;
