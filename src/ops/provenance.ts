import { gitAuthor } from "../lib/git.ts";
import type { Provenance } from "../store/records.ts";

/** Who does it, and why. */
export async function provenance({ cwd, message }: { cwd: string; message?: string }): Promise<Provenance> {
  const author = await gitAuthor(cwd);
  return { ...(author && { author }), ...(message !== undefined && { message }) };
}
