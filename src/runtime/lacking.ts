/**
 * What a Durable Object has in its `ctx` on Cloudflare's network and not here: every use of it throws a message. A module
 * before the code's own hands such classes on, so that the code sees no difference but this.
 */
import type { Bundle, Module } from "../model.ts";
import { PRELUDE } from "./prelude.ts";

/** Of the objects of one class. */
export interface Lack {
  className: string;
  /** "container" */
  property: string;
  message: string;
}

/** Named as the prelude is, whose frames no stack shows. */
const LACKING = `lacking/${PRELUDE}`;

/** @returns a module that exports what the main one does, to be the main one; undefined when nothing is lacking */
export function lackingModule({ mainModule, exports }: Bundle, lacks: readonly Lack[]): Module | undefined {
  const known = lacks.filter(({ className }) => exports.includes(className));
  if (known.length === 0) return undefined;
  const from = JSON.stringify(`../${mainModule}`);
  const lines = [
    `import * as own from ${from};`,
    `export * from ${from};`,
    ...(exports.includes("default") ? [`export { default } from ${from};`] : []),
    HELPER,
    ...known.flatMap(({ className, property, message }, index) => [
      `const lacking${index} = lacking(own[${JSON.stringify(className)}], ${JSON.stringify(property)}, ${JSON.stringify(message)});`,
      `export { lacking${index} as ${JSON.stringify(className)} };`,
    ]),
  ];
  return { name: LACKING, type: "esm", contents: new TextEncoder().encode(lines.join("\n")) };
}

const HELPER = `
function lacking(Class, property, message) {
  if (typeof Class !== "function") return Class;
  const value = new Proxy({}, {
    get(_target, key) {
      if (typeof key === "symbol" || key === "then") return undefined;
      throw new Error(message);
    },
  });
  const Lacking = class extends Class {
    constructor(ctx, env) {
      if (ctx[property] === undefined) Object.defineProperty(ctx, property, { value, configurable: true });
      super(ctx, env);
    }
  };
  return Object.defineProperty(Lacking, "name", { value: Class.name, configurable: true });
}`;
