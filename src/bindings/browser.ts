/** A headless browser; locally a Chrome that the simulator downloads at the first use. */
import { simpleKind } from "./simple.ts";

export const browser = simpleKind({
  id: "browser",
  title: "Browser",
  key: "browser",
  description: "A headless browser.",
  state: "none",
  local: { type: "browser" },
  uploadType: "browser",
  type: "BrowserRun",
});
