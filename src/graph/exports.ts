/** Whether the code has what a reference points to. */
import type { Reference } from "../bindings/kind.ts";
import type { Bundle } from "../model.ts";
import type { Resolution } from "./resolve.ts";

const WANTED: Record<Reference["role"], string> = {
  service: "entrypoint",
  entrypoint: "entrypoint",
  tail: "entrypoint",
  "durable-object": "Durable Object class",
  workflow: "Workflow class",
};

/** The sentence for an entrypoint or class that the code does not export, if it does not. */
export function missingExport(
  resolution: Resolution,
  reference: Reference,
  bundle: Pick<Bundle, "exports" | "format">,
): string | undefined {
  const name = reference.exportName;
  if (name === undefined || bundle.exports.includes(name)) return undefined;
  const service = resolution.ref.service;
  const wanted = WANTED[reference.role];
  if (bundle.format === "service-worker") {
    return `Service "${service}" exports no ${wanted} "${name}": it is written in service-worker syntax, which has no exports.`;
  }
  const others = bundle.exports.length > 0 ? bundle.exports.join(", ") : "nothing";
  return `Service "${service}" exports no ${wanted} "${name}" (it exports: ${others}). Add \`export class ${name}\` to its main module, or correct the name.`;
}

/** The sentence for a service that is called by its default export and has none, if it has none. */
export function missingDefault(
  resolution: Resolution,
  reference: Reference,
  bundle: Pick<Bundle, "exports" | "format">,
): string | undefined {
  const needed = reference.exportName === undefined && (reference.role === "service" || reference.role === "tail");
  if (!needed || bundle.format === "service-worker" || bundle.exports.includes("default")) return undefined;
  const { service } = resolution.ref;
  return `Service "${service}" has no default export (it exports: ${bundle.exports.join(", ") || "nothing"}). Add one, or bind one of its entrypoints by name.`;
}
