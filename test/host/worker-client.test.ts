import { once } from "node:events";
import net from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AnswerHandler, Sent } from "../../src/host/answers.ts";
import { WorkerClient } from "../../src/host/worker-client.ts";

/** Answers each request (up to the empty line) on each connection as the test says. */
type Answer = (socket: net.Socket, request: string, count: number) => void;

let server: net.Server;
let client: WorkerClient;
let answer: Answer;
let upstream: string;
let connections = 0;
const sockets = new Set<net.Socket>();

beforeEach(async () => {
  connections = 0;
  client = new WorkerClient();
  server = net.createServer({ noDelay: true }, (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    let seen = "";
    let count = 0;
    socket.on("data", (chunk) => {
      seen += chunk.toString("latin1");
      for (let end = seen.indexOf("\r\n\r\n"); end >= 0; end = seen.indexOf("\r\n\r\n")) {
        const request = seen.slice(0, end + 4);
        seen = seen.slice(end + 4);
        answer(socket, request, count++);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  upstream = url.origin;
});

afterEach(async () => {
  client.destroy();
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, "close");
});

/** Keeps what it is told. */
class Recorder implements AnswerHandler {
  sent: Sent | undefined;
  status = 0;
  headers: readonly string[] = [];
  chunks: Buffer[] = [];
  rests = 0;
  /** How often it was told that it is over. */
  ends = 0;
  error: Error | undefined;
  /** To `onBody`'s caller. */
  more = true;
  readonly over: Promise<this>;
  readonly head: Promise<this>;
  #done!: (self: this) => void;
  #headed!: (self: this) => void;

  constructor() {
    this.over = new Promise((resolve) => {
      this.#done = resolve;
    });
    this.head = new Promise((resolve) => {
      this.#headed = resolve;
    });
  }
  get body(): Buffer {
    return Buffer.concat(this.chunks);
  }
  onSent(sent: Sent): void {
    this.sent = sent;
  }
  onHead(status: number, headers: readonly string[]): void {
    this.status = status;
    this.headers = headers;
    this.#headed(this);
  }
  onBody(bytes: Buffer): boolean {
    this.chunks.push(bytes);
    return this.more;
  }
  onRest(): void {
    this.rests++;
  }
  onEnd(): void {
    this.ends++;
    this.#done(this);
  }
  onError(error: Error): void {
    this.ends++;
    this.error = error;
    this.#done(this);
  }
}

function send(method = "GET", url = "/"): Recorder {
  const recorder = new Recorder();
  client.send(upstream, method, `${method} ${url} HTTP/1.1\r\nHost: a\r\n\r\n`, recorder);
  return recorder;
}

/** Each byte in a packet of its own, as far as the network lets it. */
async function byteByByte(socket: net.Socket, text: string): Promise<void> {
  for (const byte of Buffer.from(text, "latin1")) {
    await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

describe("answers", () => {
  const whole: [string, string, Partial<Recorder> & { text: string }][] = [
    ["with a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", { status: 200, text: "hello" }],
    ["empty", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", { status: 404, text: "" }],
    ["without a reason", "HTTP/1.1 299\r\nContent-Length: 1\r\n\r\nx", { status: 299, text: "x" }],
    ["in chunks", `${CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`, { text: "hello world" }],
    ["in chunks with extensions", `${CHUNKED}5;a=b;c="d"\r\nhello\r\n0;last\r\n\r\n`, { text: "hello" }],
    ["in chunks with trailers", `${CHUNKED}A\r\n0123456789\r\n00\r\nx: y\r\nz: 1\r\n\r\n`, { text: "0123456789" }],
    [
      "with line ends in its body",
      "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n",
      { text: "\r\n\r\n\r\n\r\n" },
    ],
    ["204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", { status: 204, text: "" }],
    ["304", "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", { status: 304, text: "" }],
    [
      "after informational ones",
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      { status: 200, text: "ok" },
    ],
  ];

  test.each(whole)("%s, in one piece and byte by byte, on one connection", async (_what, text, expected) => {
    answer = (socket, _request, count) => void (count === 1 ? byteByByte(socket, text) : socket.write(text, "latin1"));
    for (let round = 0; round < 3; round++) {
      const { error, ends, status, body } = await send().over;
      expect({ error, ends, text: body.toString("latin1") }).toEqual({
        error: undefined,
        ends: 1,
        text: expected.text,
      });
      expect(status).toBe(expected.status ?? 200);
    }
    expect(connections).toBe(1);
  });

  test("headers as they came: case, order, repeated ones, Latin-1", async () => {
    const head =
      "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Empty:\r\nX-Own: \t caf\u00e9 \u00a0\t\r\nContent-Length: 0\r\n\r\n";
    answer = (socket) => socket.write(head, "latin1");
    const { headers } = await send().over;
    expect(headers).toEqual([
      "Set-Cookie",
      "a=1",
      "set-cookie",
      "b=2",
      "X-Empty",
      "",
      "X-Own",
      "caf\u00e9 \u00a0",
      "Content-Length",
      "0",
    ]);
  });

  test("of HEAD: a length and no body, and the connection goes on", async () => {
    answer = (socket, request) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${request.startsWith("HEAD") ? "" : "hello"}`);
    expect((await send("HEAD").over).body.length).toBe(0);
    expect((await send().over).body.toString()).toBe("hello");
    expect(connections).toBe(1);
  });

  test("the head, and then a rest, before the body has come", async () => {
    let finish = (): void => {};
    answer = (socket) => {
      socket.write(CHUNKED);
      finish = () => socket.write("2\r\nok\r\n0\r\n\r\n");
    };
    const recorder = send();
    await recorder.head;
    expect(recorder).toMatchObject({ rests: 1, ends: 0 });
    finish();
    expect((await recorder.over).body.toString()).toBe("ok");
  });

  test("until the connection ends", async () => {
    answer = (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nall of it");
    expect((await send().over).body.toString()).toBe("all of it");
    expect((await send().over).error).toBeUndefined();
    expect(connections).toBe(2);
  });

  test("`Connection: close` is heeded", async () => {
    answer = (socket) => socket.write("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n");
    expect((await send().over).error).toBeUndefined();
    expect((await send().over).error).toBeUndefined();
    expect(connections).toBe(2);
  });
});

describe("what is no answer", () => {
  test.each([
    ["another protocol", "SSH-2.0-x\r\n\r\n"],
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["no status", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"],
    ["an upgrade", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"],
    ["a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx"],
    ["a length below 0", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx"],
    ["a length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["an unknown encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    ["a name with a blank", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"],
    ["a folded header", "HTTP/1.1 200 OK\r\nx: a\r\n b\r\nContent-Length: 0\r\n\r\n"],
    ["a line feed in a header", "HTTP/1.1 200 OK\r\nx: a\nContent-Length: 0\r\n\r\n"],
    ["a header without a colon", "HTTP/1.1 200 OK\r\nnothing\r\n\r\n"],
    ["a chunk without a size", `${CHUNKED}\r\n\r\n`],
    ["a size that is no number", `${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n`],
    ["a size that is too big", `${CHUNKED}${"f".repeat(17)}\r\n`],
    ["a chunk that is longer than it says", `${CHUNKED}3\r\nhello\r\n0\r\n\r\n`],
    ["a head without an end", `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(30_000)}`],
    ["an extension without an end", `${CHUNKED}5;${"x".repeat(5000)}`],
  ])("%s: an error, and another connection", async (_what, text) => {
    answer = (socket, _request, count) =>
      socket.write(connections === 1 && count === 0 ? text : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    const { error, ends } = await send().over;
    expect(error).toBeInstanceOf(Error);
    expect(ends).toBe(1);
    expect((await send().over).body.toString()).toBe("ok");
    expect(connections).toBe(2);
  });

  test.each([
    ["nothing", ""],
    ["half a head", "HTTP/1.1 200 OK\r\nContent"],
    ["half a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"],
    ["half a chunk", `${CHUNKED}5\r\nhe`],
    ["no last chunk", `${CHUNKED}5\r\nhello\r\n`],
    ["half an end", `${CHUNKED}5\r\nhello\r\n0\r\n`],
  ])("a connection that ends after %s", async (_what, text) => {
    answer = (socket) => socket.end(text);
    expect((await send().over).error).toBeInstanceOf(Error);
  });

  test("what comes behind an answer, at once or later, is nobody's", async () => {
    const stray = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray";
    const own = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown";
    answer = (socket) => socket.write(own + stray);
    expect((await send().over).body.toString()).toBe("own");
    expect((await send().over).body.toString()).toBe("own");
    expect(connections).toBe(2);
    // Between two requests: whoever comes next gets another connection.
    answer = (socket) => socket.write(own);
    await send().over;
    const [last] = [...sockets].slice(-1);
    last!.write(stray);
    await once(last!, "close");
    expect((await send().over).body.toString()).toBe("own");
  });
});

describe("connections", () => {
  test("that were refused say so", async () => {
    server.close();
    await once(server, "close");
    expect((await send().over).error).toMatchObject({ code: "ECONNREFUSED" });
    server.listen(0, "127.0.0.1");
  });

  test("one for each request at a time, and the same ones again", async () => {
    answer = (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 5 }, () => send().over));
    expect(connections).toBe(5);
  });

  test("that ended while nobody used them are not used", async () => {
    answer = (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    await send().over;
    const [first] = sockets;
    first!.end();
    await once(first!, "close");
    expect((await send().over).error).toBeUndefined();
    expect(connections).toBe(2);
  });

  test("a request that is given up ends its connection, and nobody else's", async () => {
    answer = (socket, _request, count) => {
      if (count === 0) socket.write(CHUNKED);
    };
    const given = send();
    await given.head;
    given.sent!.abort(given, new Error("enough"));
    expect((await given.over).error?.message).toBe("enough");
    answer = (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    const done = await send().over;
    const next = send();
    // Its connection may belong to the next one by now.
    done.sent!.abort(done, new Error("too late"));
    expect((await next.over).error).toBeUndefined();
    expect(done.error).toBeUndefined();
  });

  test("whoever wants no more gets no more until he does", async () => {
    const size = 8_000_000;
    let written = false;
    answer = (socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${"x".repeat(size)}`, () => {
        written = true;
      });
    const recorder = new Recorder();
    recorder.more = false;
    client.send(upstream, "GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", recorder);
    await recorder.head;
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(recorder.body.length).toBeLessThanOrEqual(64 * 1024);
    expect(written).toBe(false);
    recorder.more = true;
    recorder.sent!.resume(recorder);
    await recorder.over;
    expect(recorder.body.length).toBe(size);
  });

  test("what still runs is told when the client is closed", async () => {
    answer = () => {};
    const recorder = send();
    client.destroy();
    expect((await recorder.over).error).toBeInstanceOf(Error);
  });
});
