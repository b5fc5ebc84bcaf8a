/** Hostnames of environments: production is `<service>.<base>`, others `<environment>--<service>.<base>`. */
import { createHash } from "node:crypto";
import { type EnvironmentRef, PRODUCTION } from "../model.ts";

/** A DNS label holds at most 63 octets (RFC 1035, 2.3.4). */
const MAX_LABEL = 63;

/** Resolves to loopback without any set-up (RFC 6761, 6.3). */
export const DEFAULT_BASE = "localhost";

/**
 * The first label of an environment's hostname: lower case, `_` becomes `-` (RFC 952 has no underscore), at most 63
 * characters; what does not fit, or had to be altered, ends in a short hash so that labels stay unique.
 */
export function hostLabel(ref: EnvironmentRef): string {
  const wanted = ref.environment === PRODUCTION ? ref.service : `${ref.environment}--${ref.service}`;
  const label = wanted
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, "-")
    .replace(/^-+|-+$/g, "");
  if (label === wanted && label.length <= MAX_LABEL) return label;
  const hash = createHash("sha256").update(wanted).digest("hex").slice(0, 8);
  return `${label.slice(0, MAX_LABEL - 9).replace(/-+$/, "")}-${hash}`;
}

/** Where an environment answers: its label below `base`. */
export function hostname(ref: EnvironmentRef, base: string = DEFAULT_BASE): string {
  return `${hostLabel(ref)}.${base}`;
}
