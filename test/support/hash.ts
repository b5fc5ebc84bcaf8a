import { createHash } from "node:crypto";

export function sha256(contents: Uint8Array): string {
  return createHash("sha256").update(contents).digest("hex");
}
