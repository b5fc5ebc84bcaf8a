/** Workers that hold the place of an environment: on the network there is none without a version. */
import { assembleBundle } from "../../bundle/hash.ts";
import { type EnvironmentRef, PRODUCTION } from "../../model.ts";
import type { EnvironmentSettings } from "../../store/records.ts";
import type { Wanted } from "./plan.ts";
import { PROTECTED } from "./shelf.ts";
import { bareEnvironment } from "./view.ts";

/** The oldest date that needs no further flags: the placeholder uses nothing. */
const DATE = "2024-01-01";

const PLACEHOLDER = `export default {
  fetch() {
    return new Response("Nothing was deployed to this environment yet.\\n", { status: 404 });
  },
};
`;

export interface DraftOptions {
  scriptName: string;
  settings: EnvironmentSettings;
  secrets?: Readonly<Record<string, string>>;
  protected?: boolean;
}

/** An environment without a version of its own: it can have secrets and settings, and nobody can call it. */
export function draftWanted(ref: EnvironmentRef, options: DraftOptions): Wanted {
  const { scriptName, settings, secrets = {} } = options;
  const environment = {
    ...bareEnvironment(ref.service, ref.environment),
    scriptName,
    main: "index.js",
    compatibilityDate: DATE,
    workersDev: false,
    protected: options.protected === true,
  };
  const bundle = assembleBundle({
    format: "modules",
    mainModule: "index.js",
    modules: [{ name: "index.js", type: "esm", contents: new TextEncoder().encode(PLACEHOLDER) }],
    exports: ["default"],
  });
  const config = { service: ref.service, dialect: "troupe" as const, configPath: "", source: {} };
  return {
    ref,
    environment,
    bundle,
    record: { format: 1, ref, environment, config, settings, exports: bundle.exports, modules: [] },
    action: "create",
    secrets,
  };
}

/** What marks a script as an environment of a service. */
export function tagsFor({ service, environment }: EnvironmentRef, others: readonly string[] = []): string[] {
  return [
    ...others.filter((tag) => !/^cf:(service|environment)=/.test(tag)),
    `cf:service=${service}`,
    ...(environment === PRODUCTION ? [] : [`cf:environment=${environment}`]),
  ];
}

/** @returns the tags of a script that is protected, or is not */
export function withProtection(tags: readonly string[], on: boolean): string[] {
  const others = tags.filter((tag) => tag !== PROTECTED);
  return on ? [...others, PROTECTED] : others;
}
