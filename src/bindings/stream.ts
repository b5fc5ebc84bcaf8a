/** Cloudflare Stream; locally a simulator that keeps videos as they are. */
import { simpleKind } from "./simple.ts";

export const stream = simpleKind({
  id: "stream",
  title: "Stream",
  key: "stream",
  description: "Stores and serves video.",
  state: "disk",
  local: { type: "stream" },
  uploadType: "stream",
  type: "StreamBinding",
});
