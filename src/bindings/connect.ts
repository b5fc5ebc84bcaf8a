/** A raw TCP or UDP port that the service listens on, with its `connect` handler. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";

const port = z.int().min(1).max(65_535).describe("The port to listen on.");
const address = z.string().min(1).optional().describe("The address to listen at. Default 127.0.0.1.");
const unsigned = z.int().min(0).max(4_294_967_295).optional();

const entry = z.discriminatedUnion("protocol", [
  z.strictObject({ protocol: z.literal("tcp"), port, address }),
  z.strictObject({
    protocol: z.literal("udp"),
    port,
    address,
    idle_timeout_ms: unsigned.describe("Milliseconds of silence after which a peer's flow is closed."),
    max_pending_bytes: unsigned.describe("Bytes kept for a peer's flow."),
  }),
]);

type Entry = z.infer<typeof entry>;

export const connect: BindingKind = {
  id: "connect",
  title: "Port",
  keys: [
    { path: ["connect"], form: "list", nameField: "port", inEnv: false, entry, description: "Raw ports to listen on." },
  ],
  // Two generations cannot hold one port.
  state: "exclusive",

  claims(binding) {
    const { protocol, port: number } = binding.entry as Entry;
    return { id: `${protocol}:${number}`, what: `listen on ${protocol} port ${number}` };
  },

  local(binding, context) {
    const socket = binding.entry as Entry;
    const common = {
      type: "connect",
      port: socket.port,
      ...(socket.address !== undefined && { address: socket.address }),
    } as const;
    if (socket.protocol === "tcp") context.addTrigger({ ...common, protocol: "tcp" });
    else {
      context.addTrigger({
        ...common,
        protocol: "udp",
        ...(socket.idle_timeout_ms !== undefined && { idleTimeoutMs: socket.idle_timeout_ms }),
        ...(socket.max_pending_bytes !== undefined && { maxPendingBytes: socket.max_pending_bytes }),
      });
    }
  },

  upload: () => undefined,
  type: () => undefined,

  describe(binding) {
    const { protocol, port: number, address: host } = binding.entry as Entry;
    return `listens on ${protocol} ${host ?? "127.0.0.1"}:${number}`;
  },
};
