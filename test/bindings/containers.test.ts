/** A Durable Object whose container is on Cloudflare's network only: it says so where the container is used. */
import { expect, test } from "vitest";
import { start } from "./support.ts";

const CODE = `import { DurableObject } from "cloudflare:workers";
const kept = new Map();
export class Transcoder extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    kept.set("class", this.constructor.name);
  }
  begin() { this.ctx.container.start(); }
  isRunning() { return this.ctx.container?.running; }
  className() { return kept.get("class"); }
}
export class Counter extends DurableObject {
  container() { return String(this.ctx.container); }
}
export default {
  async fetch(request, env) {
    const [, namespace, method] = new URL(request.url).pathname.split("/");
    const stub = env[namespace].get(env[namespace].idFromName("a"));
    return new Response(await stub[method]().catch((error) => error.message));
  },
};
`;

const OBJECTS = ["Transcoder", "Counter"];

test("a container is lacking where it is used, and nothing else is", async () => {
  const running = await start({
    shop: {
      code: CODE,
      config: {
        containers: [{ class_name: "Transcoder", image: "./Dockerfile" }],
        durable_objects: { bindings: OBJECTS.map((name) => ({ name: name.toUpperCase(), class_name: name })) },
        migrations: [{ tag: "v1", new_sqlite_classes: OBJECTS }],
      },
    },
  });
  try {
    const call = async (path: string) => (await running.send("shop", path)).text();
    const message =
      "`ctx.container` of Transcoder, in shop@production: Containers run on Cloudflare's network only. It cannot be used here; deploy to use it.";
    expect(await call("/TRANSCODER/begin")).toBe(message);
    expect(await call("/TRANSCODER/isRunning")).toBe(message);
    expect(await call("/TRANSCODER/className")).toBe("Transcoder");
    expect(await call("/COUNTER/container")).toBe("undefined");
    expect(running.started.warnings.map(({ code }) => code)).toEqual(["not-local"]);
  } finally {
    await running.close();
  }
});
