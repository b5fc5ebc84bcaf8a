/** The text of a declaration file, in the shape that `wrangler types` gives it. */
import type { EnvMembers, Member } from "./env-members.ts";

export interface EnvDeclarations {
  /** Name of the global interface, usually `Env`. */
  interfaceName: string;
  format: "modules" | "service-worker";
  members: EnvMembers;
  /** The first environment is the whole `Env` when it is the only one; the others get an interface each. */
  environmentInterfaces: boolean;
  /** Module specifier of the service's own source, for `ctx.exports`. */
  mainModule?: string;
  /** Exported classes that are Durable Objects. */
  durableObjects: readonly string[];
  /** Whether the runtime fills `process.env`. */
  processEnv: boolean;
  /** `declare module` pattern → type. */
  modules: ReadonlyMap<string, string>;
}

/** The declarations of `env` as TypeScript. */
export function renderEnv(declarations: EnvDeclarations): string {
  const modules = [...declarations.modules].map(
    ([pattern, type]) =>
      `declare module ${JSON.stringify(pattern)} {\n\tconst value: ${type};\n\texport default value;\n}`,
  );
  const own = declarations.format === "modules" ? renderInterfaces(declarations) : renderGlobals(declarations);
  return [...own, ...modules].join("\n");
}

function renderInterfaces(declarations: EnvDeclarations): string[] {
  const { interfaceName, members, processEnv } = declarations;
  const base = `__BaseEnv_${interfaceName}`;
  const inProcess = members.all.filter((member) => member.processEnv);
  return [
    renderInterface(base, members.all, ""),
    "declare namespace Cloudflare {",
    ...renderGlobalProps(declarations),
    ...renderEnvironments(declarations),
    `\tinterface Env extends ${base} {}`,
    "}",
    `interface ${interfaceName} extends ${base} {}`,
    ...(processEnv && inProcess.length > 0 ? [renderProcessEnv(inProcess)] : []),
  ];
}

function renderGlobalProps({ mainModule, durableObjects }: EnvDeclarations): string[] {
  const lines = [
    ...(mainModule === undefined ? [] : [`\t\tmainModule: typeof import(${JSON.stringify(mainModule)});`]),
    ...(durableObjects.length === 0
      ? []
      : [`\t\tdurableNamespaces: ${durableObjects.map((name) => JSON.stringify(name)).join(" | ")};`]),
  ];
  return lines.length === 0 ? [] : ["\tinterface GlobalProps {", ...lines, "\t}"];
}

function renderEnvironments({ members, environmentInterfaces }: EnvDeclarations): string[] {
  if (!environmentInterfaces) return [];
  const taken = new Set(["Env", "GlobalProps"]);
  return members.each.slice(1).map(({ environment, members: own }) => {
    const name = interfaceName(environment, taken);
    taken.add(name);
    return renderInterface(name, own, "\t");
  });
}

/** "staging" → "StagingEnv". Unique, and a name that TypeScript takes. */
function interfaceName(environment: string, taken: ReadonlySet<string>): string {
  const words = environment.split(/[^A-Za-z0-9]+/).filter(Boolean);
  const pascal = words.map((word) => word[0]!.toUpperCase() + word.slice(1).toLowerCase()).join("");
  const stem = /^[A-Za-z]/.test(pascal) ? pascal : `_${pascal}`;
  const plain = stem.endsWith("Env") && !taken.has(stem) ? stem : `${stem}Env`;
  let name = plain;
  for (let number = 2; taken.has(name); number++) name = `${stem}${number}Env`;
  return name;
}

function renderInterface(name: string, members: readonly Member[], indent: string): string {
  const lines = members.map((member) => `${indent}\t${key(member.name)}${member.optional ? "?" : ""}: ${member.type};`);
  return [`${indent}interface ${name} {`, ...lines, `${indent}}`].join("\n");
}

function renderProcessEnv(members: readonly Member[]): string {
  const names = members.map(({ name }) => JSON.stringify(name)).join(" | ");
  return [
    "type StringifyValues<EnvType extends Record<string, unknown>> = {",
    "\t[Binding in keyof EnvType]: EnvType[Binding] extends string ? EnvType[Binding] : string;",
    "};",
    "declare namespace NodeJS {",
    `\tinterface ProcessEnv extends StringifyValues<Pick<Cloudflare.Env, ${names}>> {}`,
    "}",
  ].join("\n");
}

/** In service-worker syntax every binding is a global. */
function renderGlobals({ members }: EnvDeclarations): string[] {
  return members.all
    .filter(({ name }) => isIdentifier(name))
    .map(({ name, type, optional }) => `declare const ${name}: ${type}${optional ? " | undefined" : ""};`);
}

function key(name: string): string {
  return isIdentifier(name) ? name : JSON.stringify(name);
}

function isIdentifier(name: string): boolean {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name);
}
