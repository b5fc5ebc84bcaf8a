/** A service that gets this one's events while they happen, in its `tailStream` handler. */
import * as z from "zod";
import { tailKind } from "./tail.ts";

const entry = z.strictObject({
  service: z.string().min(1).describe("The service that receives them."),
  environment: z.string().min(1).optional().describe("The environment of that service (troupe only)."),
});

export const streamingTailConsumer = tailKind({
  id: "streaming-tail-consumer",
  title: "Streaming tail consumer",
  key: "streaming_tail_consumers",
  entry,
  description: "Services that receive this one's events as they happen.",
  streaming: true,
});
