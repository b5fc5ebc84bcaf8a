/**
 * New Durable Object classes of two Workers that bind each other's: the network refuses to bind a class before it exists, so
 * one of them gets its classes first, beside the code that is live. Nobody calls them before the new code is there.
 */
import { assembleBundle } from "../../bundle/hash.ts";
import type { Bundle, Migration, Module } from "../../model.ts";
import { type Planned, pendingMigrations, type Wanted } from "./plan.ts";
import type { Content } from "./shelf.ts";

/** Name of the module that is put before the code. */
const BRIDGE = "troupe-bridge.js";

/**
 * @param live what people get now
 * @returns the same once more, with classes of the migration that is pending; undefined where it cannot have them: it is not
 * known entirely, it has no modules, or the migration does more than make classes
 */
export function bridgeWanted(each: Planned, live: Content | undefined): Wanted | undefined {
  const { environment, state } = each;
  const record = live?.record;
  if (!live || !record || record.environment.settings.exports !== undefined) return undefined;
  const pending = pendingMigrations(environment, state?.script)?.steps ?? [];
  if (pending.length === 0 || !pending.every(onlyMakes)) return undefined;
  const classes = pending.flatMap(({ new_classes = [], new_sqlite_classes = [] }) => [
    ...new_classes,
    ...new_sqlite_classes,
  ]);
  const bundle = withClasses(live.bundle, classes);
  if (!bundle) return undefined;
  const { assets, assetRules } = record;
  const before = { ...record.environment, migrations: environment.migrations };
  return {
    ref: each.ref,
    environment: before,
    bundle,
    record: {
      ...record,
      environment: before,
      exports: bundle.exports,
      modules: bundle.modules.map(({ name, type }) => ({ name, type })),
    },
    action: "deploy",
    secrets: {},
    ...(assets && { assetsOf: { manifest: assets, ...(assetRules && { rules: assetRules }) } }),
  };
}

function onlyMakes(step: Omit<Migration, "tag">): boolean {
  return Object.keys(step).every((key) => key === "new_classes" || key === "new_sqlite_classes");
}

/** @returns undefined for code that is no ES module */
function withClasses(bundle: Bundle, classes: readonly string[]): Bundle | undefined {
  const { format, mainModule, modules, exports } = bundle;
  const main = modules.find(({ name }) => name === mainModule);
  if (format !== "modules" || main?.type !== "esm" || modules.some(({ name }) => name === BRIDGE)) return undefined;
  const from = JSON.stringify(`./${mainModule}`);
  const added = [...new Set(classes)].filter((name) => !exports.includes(name));
  const lines = [
    `export * from ${from};`,
    ...(exports.includes("default") ? [`export { default } from ${from};`] : []),
    ...added.map((name) => `export class ${name} {}`),
  ];
  const bridge: Module = { name: BRIDGE, type: "esm", contents: new TextEncoder().encode(`${lines.join("\n")}\n`) };
  return assembleBundle({
    format,
    mainModule: BRIDGE,
    modules: [bridge, ...modules],
    exports: [...exports, ...added],
  });
}
