/** What a message of esbuild means in a Worker's project, and what to do about it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Message } from "esbuild";
import { didYouMean } from "../lib/did-you-mean.ts";
import { isNodeBuiltin, nodeCompat } from "./node-compat.ts";
import { configName, type Project, relativePath } from "./project.ts";
import { enableNodeCompat } from "./runtime-imports.ts";

export interface Explanation {
  /** Kebab-case, for programs. */
  code: string;
  text: string;
  notes: string[];
  /** Dotted key of the setting that is at fault, when it is not the code. */
  setting?: string;
}

/** What a message of esbuild means here, and what to do about it. */
export function explain(project: Project, message: Message): Explanation {
  const own = message.detail as { code?: string } | undefined;
  const notes = message.notes.map((note) => noteText(note)).filter((note) => !ADVICE_FOR_ESBUILD.test(note));
  const text = message.text;
  if (own?.code) return { code: own.code, text, notes };

  const badDefine = /^Invalid define value \(.*?\): (.*)$/s.exec(text)?.[1];
  if (badDefine !== undefined) return explainDefine(project, badDefine);
  if (/^Cannot find tsconfig file/.test(text)) return { code: "build-setting", text, notes, setting: "tsconfig" };
  const unresolved = /^Could not resolve "(.+)"$/.exec(text)?.[1];
  if (unresolved !== undefined) return explainUnresolved(project, message, unresolved, notes);
  const noLoader = /^No loader is configured for "(.+)" files: (.+)$/.exec(text);
  if (noLoader) {
    const rule = `{ type = "Text", globs = ["**/*${noLoader[1]}"], fallthrough = true }`;
    return {
      code: "no-loader",
      text,
      notes: [`To import it as a text or bytes, add a rule to ${configName(project)}: rules = [${rule}]`],
    };
  }
  const missingExport = /^No matching export in "(.+)" for import "(.+)"$/.test(text);
  return { code: message.id || (missingExport ? "missing-export" : "syntax"), text, notes };
}

/** esbuild's notes on its own flags, which nobody here can set. */
const ADVICE_FOR_ESBUILD =
  /as external to exclude it from the bundle|main fields|the "external" option|platform" is set to/i;

function noteText(note: Message["notes"][number]): string {
  const { location, text } = note;
  return location?.file ? `${text} (${location.file}:${location.line}:${location.column + 1})` : text;
}

function explainDefine(project: Project, value: string): Explanation {
  const name = Object.entries(project.settings.define).find(([, defined]) => defined === value)?.[0];
  return {
    code: "build-setting",
    text: `define${name ? ` of ${name}` : ""} is no name and no JavaScript literal: ${value}`,
    notes: [`A string needs quotes of its own: ${name ?? "NAME"} = '${JSON.stringify(value)}'`],
    setting: name === undefined ? "define" : `define.${name}`,
  };
}

function explainUnresolved(project: Project, message: Message, specifier: string, notes: string[]): Explanation {
  const text = `Could not resolve "${specifier}"`;
  if (isNodeBuiltin(specifier)) return { code: "node-builtin", text, notes: nodeNotes(project, specifier) };
  const importer = message.location?.file ? path.resolve(project.dir, message.location.file) : project.main;
  const suggestion = message.location?.suggestion ? [`Did you mean ${message.location.suggestion}?`] : [];
  if (/^(\.\.?(\/|$)|\/)/.test(specifier)) {
    const near = suggestion.length > 0 ? [] : nearby(project, path.resolve(path.dirname(importer), specifier));
    return { code: "unresolved-import", text, notes: [...notes, ...suggestion, ...near] };
  }
  // `virtual:react-router/server-build` and the like; no package has a colon in its name.
  if (/^[a-z][\w+.-]*:/.test(specifier)) {
    const made = `"${specifier}" is no package: a framework's own build makes it`;
    return {
      code: "virtual-module",
      text,
      notes: [...notes, made, "Run that build first (`npm run build`): the config it writes is followed"],
    };
  }
  return {
    code: "missing-package",
    text,
    notes: [...notes, ...suggestion, ...packageNotes(project, path.dirname(importer), specifier)],
  };
}

function nodeNotes(project: Project, specifier: string): string[] {
  const bare = specifier.replace(/^node:/, "");
  const mode = nodeCompat(project.environment);
  if (mode === "v2") return [`Neither the runtime nor nodejs_compat has "${bare}"`];
  if (mode === "v1") {
    return [`Write "node:${bare}", or set compatibility_date in ${configName(project)} to 2024-09-23 or later`];
  }
  return [`"${bare}" is a module of Node. ${enableNodeCompat(project)}`];
}

/** Files beside the one that isn't there. */
function nearby(project: Project, wanted: string): string[] {
  const folder = path.dirname(wanted);
  const shown = relativePath(project, folder) || ".";
  if (!existsSync(folder)) return [`There is no folder ${shown}`];
  const names = readdirSync(folder).sort();
  const stem = (name: string) => path.parse(name).name.toLowerCase();
  const alike = names.filter((name) => stem(name) === stem(path.basename(wanted)));
  if (alike.length > 0) return [`In ${shown} there is ${alike.join(", ")}`];
  // One letter of two tells nothing.
  const wantedStem = stem(path.basename(wanted));
  const meant = wantedStem.length > 2 ? didYouMean(wantedStem, names.map(stem)) : undefined;
  const close = names.find((name) => stem(name) === meant);
  if (close) return [`Did you mean ${close}, in ${shown}?`];
  return names.length > 0
    ? [`In ${shown}: ${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`]
    : [`The folder ${shown} is empty`];
}

const LOCKFILES = [
  ["pnpm-lock.yaml", "pnpm install", "pnpm add"],
  ["yarn.lock", "yarn install", "yarn add"],
  ["bun.lock", "bun install", "bun add"],
  ["bun.lockb", "bun install", "bun add"],
  ["package-lock.json", "npm install", "npm install"],
] as const;

/** "npm install", when the package is wanted but not installed; "npm install X", when nobody asked for it yet. */
function packageNotes(project: Project, from: string, specifier: string): string[] {
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  const folders = ancestors(from);
  const installed = folders.find((folder) => existsSync(path.join(folder, "node_modules", name)));
  if (installed) {
    if (name !== specifier)
      return [`The package "${name}" is installed, and has no "${specifier.slice(name.length + 1)}"`];
    return [
      `The package "${name}" is installed, and has no entry for Workers (conditions: ${project.conditions.join(", ")})`,
    ];
  }
  const lock = folders.flatMap((folder) => LOCKFILES.filter(([file]) => existsSync(path.join(folder, file))))[0];
  const [, install, add] = lock ?? ["", "npm install", "npm install"];
  const manifest = folders.find((folder) => declares(folder, name));
  if (!manifest) return [`Run \`${add} ${name}\``];
  const where = relativePath(project, manifest);
  const missing = existsSync(path.join(manifest, "node_modules"))
    ? `"${name}" is in package.json and not installed`
    : "node_modules is missing";
  return [`${missing}: run \`${install}\`${where && ` in ${where}`}`];
}

function declares(folder: string, name: string): boolean {
  try {
    const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as Record<
      string,
      Record<string, string> | undefined
    >;
    return ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"].some(
      (key) => manifest[key]?.[name] !== undefined,
    );
  } catch {
    return false;
  }
}

/** A folder and all above it, nearest first. */
export function ancestors(folder: string): string[] {
  const parent = path.dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}
