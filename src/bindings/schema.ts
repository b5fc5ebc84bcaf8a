/** Parts of entry schemas that several kinds share. Descriptions go into the JSON Schema that editors read. */
import * as z from "zod";

/** The name a binding has in `env`. */
export const bindingName = z.string().min(1).describe("The binding's name in `env`.");

/** Accepted because Wrangler's files have it; troupe runs everything locally. */
export const remote = z
  .boolean()
  .optional()
  .describe("Wrangler's switch for using the real resource in local development. Troupe always runs locally.");

/** troupe.toml only: an environment that inherits the binding uses the original resource instead of its own edition. */
export const shared = z
  .boolean()
  .optional()
  .describe(
    "True: environments that inherit this binding share the original resource instead of having their own edition.",
  );

/** A JavaScript name that a module can export. */
export const exportedName = z
  .string()
  .regex(/^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u, "must be the name of an exported class");

/** https://developers.cloudflare.com/queues/platform/limits/: 24 hours at most. */
export const delaySeconds = z.int().min(0).max(86_400);
