/** A Durable Object class that another service binds: SQL, RPC, alarms, and WebSockets that hibernate. */
import { DurableObject } from "cloudflare:workers";

export class Counter extends DurableObject {
  constructor(state, env) {
    super(state, env);
    state.storage.sql.exec("CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER)");
  }

  add(amount) {
    const { sql } = this.ctx.storage;
    sql.exec(
      "INSERT INTO counts VALUES ('n', ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
      amount,
    );
    return sql.exec("SELECT value FROM counts WHERE name = 'n'").one().value;
  }

  async setAlarm() {
    await this.ctx.storage.setAlarm(Date.now() + 100);
    return (await this.ctx.storage.getAlarm()) !== null;
  }

  async alarm() {
    await this.ctx.storage.put("rang", true);
  }

  async rang() {
    return (await this.ctx.storage.get("rang")) ?? false;
  }

  async fetch(request) {
    if (request.headers.get("upgrade") === "websocket") {
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server, ["guest"]);
      server.serializeAttachment({ joined: this.ctx.getWebSockets().length });
      return new Response(null, { status: 101, webSocket: client });
    }
    return Response.json({ total: this.add(0) });
  }

  webSocketMessage(socket, message) {
    const { joined } = socket.deserializeAttachment();
    for (const each of this.ctx.getWebSockets("guest")) each.send(`${joined}: ${message}`);
  }

  webSocketClose(socket, code) {
    socket.close(code);
  }
}

export default {};
