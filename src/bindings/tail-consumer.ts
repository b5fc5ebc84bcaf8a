/** A service that gets this one's logs, exceptions and outcomes after each invocation, in its `tail` handler. */
import * as z from "zod";
import { tailKind } from "./tail.ts";

const entry = z.strictObject({
  service: z.string().min(1).describe("The service that receives them."),
  environment: z.string().min(1).optional().describe("The environment of that service."),
});

export const tailConsumer = tailKind({
  id: "tail-consumer",
  title: "Tail consumer",
  key: "tail_consumers",
  entry,
  description: "Services that receive this one's logs after each invocation.",
  streaming: false,
});
