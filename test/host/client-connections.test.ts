/** Plain requests, answered without Node's server, and all others, which have to reach it as they were sent. */
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClientConnections } from "../../src/host/client-connections.ts";
import type { Reply } from "../../src/host/reply.ts";
import { SimpleRequest } from "../../src/host/simple-request.ts";

const answers: Record<string, (reply: Reply) => void> = {
  "/long": (reply) => {
    reply.writeHead(200, []);
    let left = 500;
    const more = (): void => {
      while (left-- > 0) if (!reply.write(Buffer.alloc(10_000, "x"))) return void reply.once("drain", more);
      reply.end();
    };
    more();
  },
  "/stream": (reply) => {
    reply.writeHead(200, ["Date", "today"]);
    reply.flushHeaders();
    reply.write(Buffer.from("one "));
    reply.write(Buffer.from(""));
    reply.end("zw\u00f6lf");
  },
  "/known": (reply) => {
    reply.writeHead(200, ["Content-Length", "5"]);
    reply.write(Buffer.from("ab"));
    reply.end(Buffer.from("cde"));
  },
  "/204": (reply) => {
    reply.writeHead(204, []);
    reply.write(Buffer.from("nobody"));
    reply.end();
  },
  "/latin1": (reply) => {
    reply.writeHead(299, []);
    reply.end("\u00e9", "latin1");
  },
  "/empty": (reply) => {
    reply.writeHead(200, []);
    reply.end();
  },
};
/** Replies to `/wait`. */
const waiting: Reply[] = [];
let onWait = (): void => {};

interface Listening {
  server: http.Server;
  connections: ClientConnections;
  port: number;
}

/** Says who answers, and what it was asked. */
async function listen(keepAlive: number): Promise<Listening> {
  const server = http.createServer({ maxHeaderSize: 128 * 1024 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url } = request;
      response.end(`node ${method} ${url} ${Buffer.concat(chunks).toString()}`);
    });
  });
  server.on("upgrade", (_request, socket, first: Buffer) => socket.end(`node upgrade ${first.toString()}`));
  const nodes = server.listeners("connection") as ((socket: net.Socket) => void)[];
  const connections = new ClientConnections({
    keepAlive,
    onRequest({ method, url }, reply) {
      if (url === "/for-node") return false;
      if (url === "/wait") {
        waiting.push(reply);
        onWait();
        return true;
      }
      const answer = answers[url];
      if (answer) answer(reply);
      else {
        reply.writeHead(200, []);
        reply.end(`ours ${method} ${url}`);
      }
      return true;
    },
    handOver: (socket) => {
      for (const listener of nodes) listener.call(server, socket);
    },
  });
  server.removeAllListeners("connection");
  server.on("connection", (socket: net.Socket) => connections.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, connections, port: (server.address() as net.AddressInfo).port };
}

let listening: Listening;

beforeAll(async () => {
  listening = await listen(30);
});

afterAll(() => {
  listening.server.close();
  listening.server.closeAllConnections();
  listening.connections.destroy();
  listening.connections.close();
});

/** A connection of its own: what comes back, as it comes. */
class Wire {
  readonly socket: net.Socket;
  text = "";
  readonly #closed: Promise<unknown>;

  constructor(port = listening.port) {
    this.socket = net.connect(port, "127.0.0.1").setNoDelay().setEncoding("latin1");
    this.socket.on("data", (chunk: string) => {
      this.text += chunk;
    });
    this.socket.on("error", () => {});
    this.#closed = new Promise((resolve) => this.socket.once("close", resolve));
  }

  async send(text: string): Promise<void> {
    await new Promise((resolve) => this.socket.write(text, "latin1", resolve));
  }

  /** Waits for a text, and takes everything to its end. */
  async take(until: string): Promise<string> {
    while (!this.text.includes(until)) {
      if (this.socket.closed) throw new Error(`it ended with ${JSON.stringify(this.text)}`);
      await Promise.race([once(this.socket, "data"), this.#closed]);
    }
    const end = this.text.indexOf(until) + until.length;
    const taken = this.text.slice(0, end);
    this.text = this.text.slice(end);
    return taken;
  }
}

const get = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: a.localhost\r\n${more}\r\n`;

describe("requests", () => {
  test("one after the other, of all simple kinds", async () => {
    const wire = new Wire();
    for (const method of ["GET", "OPTIONS", "DELETE", "GET"]) {
      await wire.send(`${method} /a?b=${method} HTTP/1.1\r\nhost: a\r\nConnection: Keep-Alive\r\n\r\n`);
      expect(await wire.take(`ours ${method} /a?b=${method}`)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    }
    wire.socket.destroy();
  });

  test("with anything else, Node's server gets the connection, and keeps it", async () => {
    const wire = new Wire();
    await wire.send(get("/first"));
    await wire.take("ours GET /first");
    await wire.send("POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
    await wire.send("dy");
    await wire.take("node POST /second body");
    await wire.send(get("/third"));
    await wire.take("node GET /third");
    wire.socket.destroy();
  });

  test.each([
    ["a body that is there already", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", "node PUT / body"],
    ["a GET with one", get("/", "Content-Length: 2\r\n").concat("ab"), "node GET / ab"],
    ["chunks", get("/", "Transfer-Encoding: chunked\r\n").concat("2\r\nab\r\n0\r\n\r\n"), "node GET / ab"],
    ["an upgrade", get("/", "Upgrade: x\r\nConnection: upgrade\r\n").concat("first"), "node upgrade first"],
    ["100-continue", get("/", "Expect: 100-continue\r\n"), "node GET /"],
    ["the end of the connection", get("/", "Connection: close\r\n"), "node GET /"],
    ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "node GET /"],
    ["a whole URL", "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "node GET http://a/b"],
    ["a long head", get("/", `X: ${"x".repeat(19_000)}\r\nY: ${"y".repeat(1000)}\r\n`), "node GET /"],
    ["a path that somebody else shall answer", get("/for-node"), "node GET /for-node"],
    ["an unusual method", "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", "node PROPFIND /"],
    ["no host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"],
    ["a folded header", get("/", "X: a\r\n b\r\n"), "HTTP/1.1 400"],
    ["a space before the colon", get("/", "X : a\r\n"), "HTTP/1.1 400"],
    ["a zero in a header", get("/", "X: a\0b\r\n"), "HTTP/1.1 400"],
    ["something else entirely", "\x16\x03\x01\r\n\r\n", "HTTP/1.1 400"],
  ])("%s is for Node's server", async (_what, text, expected) => {
    const wire = new Wire();
    await wire.send(text);
    await wire.take(expected);
    wire.socket.destroy();
  });

  test("a head in two pieces, wherever it is cut", async () => {
    const text = get("/cut", "X: y\r\n");
    for (let at = 1; at < text.length; at++) {
      const wire = new Wire();
      await wire.send(text.slice(0, at));
      // The rest must not come with it.
      if (at % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
      await wire.send(text.slice(at));
      await wire.take(" GET /cut");
      wire.socket.destroy();
    }
  });

  test("several at once are answered in order", async () => {
    const wire = new Wire();
    await wire.send(get("/1") + get("/2") + get("/3"));
    await wire.take("GET /1");
    await wire.take("GET /2");
    await wire.take("GET /3");
    wire.socket.destroy();
  });

  test("a second one before the first is answered waits for that", async () => {
    const wire = new Wire();
    const waited = new Promise<void>((resolve) => {
      onWait = resolve;
    });
    await wire.send(get("/wait"));
    await waited;
    await wire.send(`POST /after HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${get("/last")}`);
    const reply = waiting.pop()!;
    reply.writeHead(200, []);
    reply.end("the first");
    await wire.take("the first");
    await wire.take("node POST /after abc");
    await wire.take("node GET /last");
    wire.socket.destroy();
  });
});

describe("replies", () => {
  async function answer(request: string, end: string): Promise<string> {
    const wire = new Wire();
    await wire.send(request);
    const text = await wire.take(end);
    // Nothing is left over that would be taken for the next answer.
    await wire.send(get("/next"));
    expect(await wire.take("ours GET /next")).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    wire.socket.destroy();
    return text;
  }

  test("with a length, a date, and how long the connection stays", async () => {
    const text = await answer(get("/a"), "ours GET /a");
    expect(text).toMatch(
      /^HTTP\/1\.1 200 OK\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=30\r\nContent-Length: 11\r\n\r\nours GET \/a$/,
    );
  });

  test("with the head of a body, and none, for HEAD", async () => {
    const text = await answer("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n");
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).not.toMatch(/chunked/i);
  });

  test("in chunks when the length is not known, with a date of its own", async () => {
    const text = await answer(get("/stream"), "0\r\n\r\n");
    const [head, body] = text.split("\r\n\r\n", 2);
    expect(head).toMatch(
      /Date: today\r\nConnection: keep-alive\r\nKeep-Alive: timeout=30\r\nTransfer-Encoding: chunked$/,
    );
    expect(Buffer.from(`${body}\r\n`, "latin1").toString()).toMatch(/^4\r\none \r\n6\r\nzw\u00f6lf\r\n/);
  });

  test("in parts, with a length that was said", async () => {
    expect(await answer(get("/known"), "abcde")).not.toMatch(/chunked/i);
  });

  test("without a body where there can be none", async () => {
    const text = await answer(get("/204"), "\r\n\r\n");
    expect(text).toMatch(/^HTTP\/1\.1 204 No Content\r\n/);
    expect(text).not.toMatch(/chunked|content-length/i);
  });

  test("of no bytes, and of Latin-1 with a status nobody knows", async () => {
    expect(await answer(get("/empty"), "\r\n\r\n")).toMatch(/Content-Length: 0\r\n/);
    expect(await answer(get("/latin1"), "\u00e9")).toMatch(/^HTTP\/1\.1 299 unknown\r\n(.+\r\n)*Content-Length: 1\r\n/);
  });

  test("as fast as they are read", async () => {
    const wire = new Wire();
    wire.socket.pause();
    await wire.send(get("/long"));
    await wire.send("");
    wire.socket.resume();
    const text = await wire.take("0\r\n\r\n");
    expect(text.replaceAll(/[^x]/g, "").length).toBe(5_000_000);
    wire.socket.destroy();
  });
});

describe("connections", () => {
  test("a client that goes is told of, whatever way it goes", async () => {
    for (const leave of ["end", "destroy", "resetAndDestroy"] as const) {
      const wire = new Wire();
      const waited = new Promise<void>((resolve) => {
        onWait = resolve;
      });
      await wire.send(get("/wait"));
      await waited;
      const reply = waiting.pop()!;
      const gone = new Promise<void>((resolve) => reply.on("close", resolve));
      wire.socket[leave]();
      await gone;
      expect(reply.destroyed).toBe(true);
      reply.writeHead(200, []);
      reply.end("into the void");
    }
  });

  test("that are idle end after the time they were told", async () => {
    const { server, connections, port } = await listen(0.06);
    const never = new Wire(port);
    const used = new Wire(port);
    const ended = [never, used].map(({ socket }) => once(socket, "close"));
    await used.send(get("/a"));
    await used.take("ours GET /a");
    await Promise.all(ended);
    connections.close();
    server.close();
  });

  test("at the end those that are idle go, and those with a request when it is answered", async () => {
    const { server, connections, port } = await listen(30);
    const idle = new Wire(port);
    await idle.send(get("/a"));
    await idle.take("ours GET /a");
    const busy = new Wire(port);
    const waited = new Promise<void>((resolve) => {
      onWait = resolve;
    });
    await busy.send(get("/wait"));
    await waited;
    const idleGone = once(idle.socket, "close");
    const busyGone = once(busy.socket, "close");
    const closed = once(server, "close");
    server.close();
    connections.close();
    await idleGone;
    const reply = waiting.pop()!;
    reply.writeHead(200, []);
    reply.end("done");
    expect(await busy.take("done")).toMatch(/Connection: close\r\n/);
    await busyGone;
    await closed;
  });
});

/** What is read here is read by Node's own parser in the same way, and allowed there. */
test("no request is read in another way than Node reads it", async () => {
  const seen: string[] = [];
  const server = http.createServer({ maxHeaderSize: 128 * 1024 }, (request, response) => {
    seen.push(JSON.stringify([request.method, request.url, request.httpVersion, request.rawHeaders]));
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  let state = 20261121;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const seeds = [
    get("/a?b=c&d=%20"),
    get(
      "/",
      "Accept: text/html, */*;q=0.8\r\nX-Empty:\r\nX-Blank:  \t \r\nx-tail: a b \t\r\nCookie: a=1\r\nCookie: b=2\r\n",
    ),
    "HEAD /~x!$'()*+,;=:@ HTTP/1.1\r\nhost:a:80\r\nX-L: caf\u00e9\u00ff\r\nConnection: keep-alive\r\n\r\n",
    "OPTIONS / HTTP/1.1\r\nOrigin: x\r\nHost: a\r\n!#$%&'*+-.^_`|~: y\r\n\r\n",
  ];
  const odd = ["\0", "\t", "\n", "\r", " ", "#", ":", ",", "\x7f", "\x80", "/", "a", "\r\n", "\r\n ", "Host: b\r\n"];
  let read = 0;
  for (let round = 0; round < 1500; round++) {
    let text = seeds[random(seeds.length)]!;
    for (let change = random(3); change > 0; change--) {
      const at = random(text.length + 1);
      const drop = random(2);
      text = text.slice(0, at) + (random(3) === 0 ? "" : odd[random(odd.length)]) + text.slice(at + drop);
    }
    const request = SimpleRequest.read(text, {});
    if (!request) continue;
    read++;
    const wire = new Wire(port);
    await wire.send(text);
    const answer = await wire.take("\r\n\r\n");
    wire.socket.destroy();
    expect(answer, JSON.stringify(text)).toMatch(/^HTTP\/1\.1 200 /);
    const { method, url, httpVersion, rawHeaders } = request;
    expect(seen.pop(), JSON.stringify(text)).toBe(JSON.stringify([method, url, httpVersion, rawHeaders]));
    expect(seen).toEqual([]);
  }
  expect(read).toBeGreaterThan(300);
  server.close();
  server.closeAllConnections();
});
