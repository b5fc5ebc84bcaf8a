/** Cloudflare Images; locally a simulator on the same image library that Wrangler uses. */
import { simpleKind } from "./simple.ts";

export const images = simpleKind({
  id: "images",
  title: "Images",
  key: "images",
  description: "Reads, transforms and stores images.",
  state: "disk",
  local: { type: "images" },
  uploadType: "images",
  type: "ImagesBinding",
});
