/** As much of `ws` as is used: its own package has no types. https://github.com/websockets/ws/blob/master/doc/ws.md */
declare module "ws" {
  import type { EventEmitter } from "node:events";
  import type { IncomingMessage } from "node:http";
  import type { Duplex } from "node:stream";

  export class WebSocket extends EventEmitter {
    constructor(
      url: string,
      protocol?: string,
      options?: { headers?: Record<string, string>; handshakeTimeout?: number },
    );
    readonly OPEN: number;
    readonly readyState: number;
    readonly protocol: string;
    send(text: string): void;
    ping(): void;
    close(code?: number): void;
    /** Without a word to the other side. */
    terminate(): void;
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: {
      noServer: true;
      autoPong?: boolean;
      handleProtocols?(protocols: Set<string>): string | false;
    });
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (client: WebSocket) => void): void;
  }
}
