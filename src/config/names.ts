/** Names of services and environments. */
import path from "node:path";
import type { Dialect, Written } from "../model.ts";
import type { Faults } from "./faults.ts";
import { plain, type SourcedTable } from "./sourced.ts";

/** Wrangler's own rule. */
const NAME = /^[a-z0-9_][a-z0-9-_]*$/;
/** A label of a hostname: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
const LONGEST = 63;
/** Hostnames that troupe needs itself. */
const RESERVED = ["dash"];

/** @returns what is wrong with a service's name, from "must"; undefined when it is fine */
export function serviceNameFault(name: string): string | undefined {
  if (RESERVED.includes(name)) return `must be another one: "${name}" is a hostname of troupe's own`;
  return nameFault(name);
}

function nameFault(name: string): string | undefined {
  if (name === "") return "must not be empty";
  if (name in Object.prototype) return `must be another one: every JavaScript object has a "${name}"`;
  if (!NAME.test(name)) {
    return "must be of lower-case letters, digits, hyphens and underscores, and not begin with a hyphen";
  }
  return name.length > LONGEST ? `must have at most ${LONGEST} characters (it has ${name.length})` : undefined;
}

/** @returns what is wrong with an environment's name, from "must"; undefined when it is fine */
export function environmentNameFault(name: string): string | undefined {
  return nameFault(name);
}

/** Environments are parts of hostnames as well. */
export function checkEnvironmentName(name: string, written: Written, faults: Faults): void {
  const fault = environmentNameFault(name);
  if (fault) faults.error("invalid-name", `The environment name "${name}" ${fault}`, written, { part: "key" });
}

/** A usable name made of any text, such as a folder's name; undefined when nothing is left of it. */
function nameFrom(text: string): string | undefined {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, LONGEST);
  return serviceNameFault(name) === undefined ? name : undefined;
}

/** The service's name as written, or made up from the folder's name when it is missing, so that loading can go on. */
export function serviceName(top: SourcedTable, file: string, dialect: Dialect, faults: Faults): string {
  const node = top.entries.get("name");
  const made = nameFrom(path.basename(path.dirname(file))) ?? "worker";
  const value = node && plain(node);
  if (value === undefined || (dialect === "wrangler" && value === "")) {
    if (dialect === "troupe") {
      faults.error("missing-key", "The service has no `name`", top.introduced, {
        notes: [`Write \`name = "${made}"\`.`],
      });
    } else {
      faults.warning("no-name", `The service has no \`name\`; calling it "${made}" after its folder`, top.introduced);
    }
    return made;
  }
  // A wrong type is reported with all other settings.
  if (typeof value !== "string") return made;
  const fault = serviceNameFault(value);
  if (fault) faults.error("invalid-name", `The service name "${value}" ${fault}`, node!.written);
  return value;
}
