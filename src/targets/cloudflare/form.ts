/**
 * A bundle as the form that Cloudflare's upload API takes: one part of metadata, and one for each module.
 * https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/
 */
import { TroupeError } from "../../errors.ts";
import type { Bundle, Module, ModuleType } from "../../model.ts";

const CONTENT_TYPES: Record<ModuleType, string> = {
  esm: "application/javascript+module",
  cjs: "application/javascript",
  text: "text/plain",
  data: "application/octet-stream",
  wasm: "application/wasm",
  // workerd has JSON modules, the upload API has not: as text it could not be imported.
  json: "application/json",
  python: "text/x-python",
  "python-requirement": "text/x-python-requirement",
  sourcemap: "application/source-map",
};

/** What a module of a downloaded version is. */
export function typeOf(contentType: string): ModuleType | undefined {
  const plain = contentType.split(";")[0]!.trim();
  const found = Object.entries(CONTENT_TYPES).find(([, type]) => type === plain);
  return found?.[0] as ModuleType | undefined;
}

/** What becomes of a module beside the main one in a Worker of service-worker syntax: a global variable. */
const BLOBS: Partial<Record<ModuleType, string>> = { wasm: "wasm_module", text: "text_blob", data: "data_blob" };

export type Metadata = Record<string, unknown> & { bindings: Record<string, unknown>[] };

/**
 * The part of the metadata that comes from the bundle: which module is the main one, and the blobs of service-worker syntax.
 * @throws TroupeError BUILD for modules that service-worker syntax cannot have
 */
export function bundleMetadata(bundle: Bundle): Metadata {
  if (bundle.format === "modules") return { main_module: bundle.mainModule, bindings: [] };
  const blobs = bundle.modules
    .filter(({ name, type }) => name !== bundle.mainModule && type !== "sourcemap")
    .map((module) => {
      const type = BLOBS[module.type];
      if (type === undefined) {
        throw new TroupeError("BUILD", `Service-worker syntax has no modules, and the bundle has ${module.name}`);
      }
      const name = globalName(module);
      return { name, type, part: name };
    });
  return { body_part: bundle.mainModule, bindings: blobs };
}

function globalName({ name }: Module): string {
  return name.replace(/[^a-zA-Z0-9_$]/g, "_");
}

/** @param bundle absent for a service of static assets only */
export function uploadForm(
  metadata: Record<string, unknown>,
  bundle: Bundle | undefined,
  extra: Module[] = [],
): FormData {
  const form = new FormData();
  form.set("metadata", JSON.stringify(metadata));
  for (const module of [...(bundle?.modules ?? []), ...extra]) {
    const isGlobal = bundle?.format === "service-worker" && module.name !== bundle.mainModule && module.type in BLOBS;
    const type =
      bundle?.format === "service-worker" && module.name === bundle.mainModule
        ? CONTENT_TYPES.cjs
        : CONTENT_TYPES[module.type];
    form.set(
      isGlobal ? globalName(module) : module.name,
      new File([module.contents as Uint8Array<ArrayBuffer>], module.name, { type }),
    );
  }
  return form;
}
