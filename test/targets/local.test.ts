import { targetSuite } from "./suite.ts";

targetSuite("local", { dialects: ["troupe", "wrangler"], tried: "troupe" });
