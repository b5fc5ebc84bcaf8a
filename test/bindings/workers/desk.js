/** Uses every binding without state of its own. Each route does one thing and answers with JSON. */
import { WorkerEntrypoint } from "cloudflare:workers";

/** What came of a call: its result, or the message it was rejected with. */
const outcome = (call) =>
  Promise.resolve()
    .then(call)
    .then(
      (value) => ({ value }),
      (error) => ({ error: error.message }),
    );

const routes = {
  env: (env) => ({
    names: Object.keys(env).sort(),
    values: [env.GREETING, env.LIMITS, env.ENABLED, env.NOTHING, env.TOKEN, env.OVERRIDDEN],
    version: env.VERSION,
  }),

  async services(env) {
    const greeter = await env.AUTH_CLASS.makeGreeter("hey");
    const stream = await env.AUTH_CLASS.numbers();
    let calledBack;
    await env.AUTH_CLASS.callBack((value) => {
      calledBack = value;
    });
    return {
      fetch: await (await env.AUTH.fetch("https://auth.example/path?x=1", { method: "POST", body: "body" })).json(),
      rpc: await env.AUTH_CLASS.verify("secret"),
      props: await env.AUTH_CLASS.props(),
      stub: await greeter.greet("you"),
      stream: await new Response(stream).text(),
      calledBack,
      thrown: await outcome(() => env.AUTH_CLASS.fail()),
      self: await env.SELF.double(21),
      cycle: await env.AUTH_CLASS.throughDesk(4),
    };
  },

  async missing(env) {
    return {
      fetch: [(await env.GONE.fetch("http://gone/")).status, await (await env.GONE.fetch("http://gone/")).text()],
      rpc: await outcome(() => env.GONE.verify()),
      entrypoint: await outcome(() => env.NO_ENTRYPOINT.verify()),
      object: await outcome(() => env.NO_CLASS.get(env.NO_CLASS.idFromName("a")).fetch("http://object/")),
      objectRpc: await outcome(() => env.NO_CLASS.getByName("a").add(1)),
      workflow: await outcome(() => env.NO_FLOW.create()),
    };
  },

  async network(env) {
    return {
      ai: await outcome(() => env.AI.run("@cf/meta/llama", { prompt: "x" })),
      vectorize: await outcome(() => env.INDEX.query([1, 2])),
      search: await outcome(() => env.SEARCH.search({ query: "x" })),
      media: await outcome(() => env.MEDIA.input(new Uint8Array()).transform({}).output({})),
      dispatch: await outcome(() => env.DISPATCH.get("customer").fetch("http://x/")),
      vpc: await outcome(() => env.VPC.fetch("http://inside/")),
      mtls: await outcome(() => env.CERTIFICATE.fetch("https://x/")),
      unsafe: await outcome(() => env.ODD.something()),
      hyperdrive: await outcome(() => env.NO_DATABASE.connectionString),
      property: await outcome(() => env.AI.aiGatewayLogId),
    };
  },

  async ratelimit(env) {
    const answers = [];
    for (let i = 0; i < 4; i += 1) answers.push((await env.LIMITER.limit({ key: "k" })).success);
    return { answers, unsafe: (await env.OLD_LIMITER.limit({ key: "k" })).success };
  },

  async secretsStore(env) {
    return [await outcome(() => env.STORED.get()), await outcome(() => env.UNSTORED.get())];
  },

  async analytics(env) {
    env.EVENTS.writeDataPoint({ blobs: ["a"], doubles: [1], indexes: ["i"] });
    return { sent: await outcome(() => env.RECORDS.send([{ a: 1 }])) };
  },

  async email(env) {
    const { EmailMessage } = await import("cloudflare:email");
    const raw = (to) => `From: a@example.com\r\nTo: ${to}\r\nMessage-ID: <1@example.com>\r\nSubject: hi\r\n\r\nbody`;
    const send = (to) => outcome(() => env.MAIL.send(new EmailMessage("a@example.com", to, raw(to))));
    const { value, error } = await send("b@example.com");
    return { sent: error ?? typeof value, refused: (await send("c@example.com")).error };
  },

  async images(env) {
    const png = Uint8Array.from(
      atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="),
      (c) => c.charCodeAt(0),
    );
    const info = await env.IMAGES.info(new Blob([png]).stream());
    const bigger = await env.IMAGES.input(new Blob([png]).stream())
      .transform({ width: 3, fit: "squeeze" })
      .output({ format: "image/webp" });
    return { format: info.format, width: info.width, type: bigger.contentType() };
  },

  async loader(env) {
    const worker = env.LOADER.get("made", () => ({
      compatibilityDate: "2026-01-01",
      mainModule: "made.js",
      modules: { "made.js": "export default { fetch: () => new Response('made at run time') }" },
    }));
    return { text: await (await worker.getEntrypoint().fetch("http://made/")).text() };
  },

  async simulated(env) {
    return {
      flag: await outcome(() => env.FLAGS.getBooleanValue("new-design", true)),
      hello: await outcome(async () => {
        await env.HELLO.set("world");
        return (await env.HELLO.get()).value;
      }),
      video: await outcome(async () => (await env.VIDEOS.videos.list()).length),
      browser: typeof env.BROWSER.fetch,
    };
  },

  async assets(env) {
    return { text: await (await env.STATIC.fetch("http://assets/hello.txt")).text() };
  },

  log() {
    console.log("logged by desk");
    return {};
  },
};

export class Doubler extends WorkerEntrypoint {
  double(number) {
    return number * 2;
  }
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const route = routes[url.pathname.slice(1)];
    if (!route) return new Response(`code: no route ${url.pathname}`, { status: 404 });
    try {
      return Response.json((await route(env, url)) ?? null);
    } catch (error) {
      return new Response(error.stack, { status: 500 });
    }
  },
};
