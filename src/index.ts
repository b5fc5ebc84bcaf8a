/** The library: `import { startDev } from "troupe"`. What is exported here is a promise (docs/cli.md). */
export { type Diagnostic, type ErrorCode, type Location, TroupeError } from "./errors.ts";
export { type DevEvent, type DevOptions, type DevServer, type GraphView, startDev } from "./ops/dev/index.ts";
