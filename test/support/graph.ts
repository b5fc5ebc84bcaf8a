/** Graphs from inline source, for tests of the runtime: real workers, no files. */
import type { ResolvedReference } from "../../src/bindings/kind.ts";
import { missingService } from "../../src/graph/index.ts";
import type { Binding, Bundle, Environment } from "../../src/model.ts";
import type { GraphSpec, RuntimeWorker } from "../../src/runtime/types.ts";
import { sha256 } from "./hash.ts";

export interface InlineService {
  /** ES module source; `export` names are read from it. */
  code: string;
  format?: Bundle["format"];
  bindings?: { name: string; kind: string; entry?: Record<string, unknown>; resource?: string }[];
  secrets?: Record<string, string>;
  reachable?: boolean;
  environment?: Partial<Environment>;
}

/** `graph({ gateway: { code, bindings: [{ name: "AUTH", kind: "service", entry: { binding: "AUTH", service: "auth" } }] } })` */
export function graph(services: Record<string, InlineService>, options: Partial<GraphSpec> = {}): GraphSpec {
  const exportsOf = new Map(Object.entries(services).map(([name, service]) => [name, exportNames(service.code)]));
  const workers = Object.entries(services).map(([name, service]): RuntimeWorker => {
    return {
      id: `${name}@production`,
      environment: environment(name, service),
      bundle: bundle(service.code, service.format),
      secrets: service.secrets ?? {},
      reachable: service.reachable ?? true,
      resolve(reference): ResolvedReference {
        const target = reference.service ?? name;
        const ref = { service: target, environment: reference.environment ?? "production" };
        const known = services[target];
        const missing = !known
          ? missingService(target)
          : reference.exportName && !exportsOf.get(target)!.includes(reference.exportName)
            ? `Service "${target}" exports no "${reference.exportName}"`
            : undefined;
        const standIn = `troupe:missing:${target}@production${reference.exportName ? `#${reference.exportName}` : ""}`;
        return {
          ref,
          reason: "test",
          worker: missing ? standIn : `${target}@production`,
          ...(missing && { missing }),
          ...(known && { environment: environment(target, known) }),
        };
      },
    };
  });
  return { workers, ...options };
}

export function bundle(code: string, format: Bundle["format"] = "modules"): Bundle {
  const contents = new TextEncoder().encode(code);
  return {
    format,
    mainModule: "index.js",
    modules: [{ name: "index.js", type: "esm", contents }],
    exports: format === "modules" ? exportNames(code) : [],
    contentHash: sha256(contents),
    size: contents.byteLength,
  };
}

function exportNames(code: string): string[] {
  const names = [...code.matchAll(/export (?:class|const|function|async function) (\w+)/g)].map((match) => match[1]!);
  return /export default/.test(code) ? ["default", ...names] : names;
}

function environment(name: string, service: InlineService): Environment {
  const written = { file: "/inline/troupe.toml", path: [], environment: "production" };
  return {
    service: name,
    name: "production",
    scriptName: name,
    dialect: "troupe",
    configPath: "/inline/troupe.toml",
    dir: "/inline",
    main: "/inline/index.js",
    compatibilityDate: "2026-11-01",
    compatibilityFlags: [],
    bindings: (service.bindings ?? []).map(
      (binding): Binding => ({
        name: binding.name,
        kind: binding.kind,
        inEnv: true,
        entry: binding.entry ?? {},
        origin: "own",
        written,
        ...(binding.resource && { resource: { type: binding.kind, id: binding.resource, name: binding.resource } }),
      }),
    ),
    crons: [],
    routes: [],
    protected: false,
    migrations: [],
    build: {
      rules: [],
      define: {},
      alias: {},
      noBundle: false,
      findAdditionalModules: false,
      preserveFileNames: false,
      minify: false,
      keepNames: true,
      jsxFactory: "React.createElement",
      jsxFragment: "React.Fragment",
      uploadSourceMaps: true,
      wasmModules: {},
      textBlobs: {},
      dataBlobs: {},
    },
    settings: {},
    written: {},
    ...service.environment,
  };
}
