/**
 * The least that a proxy in Node can be: node:http, and undici's dispatch to one origin. No headers of its own, no routes, no
 * second tries, nothing counted: what a front door costs before it does anything.
 * node thin-door.ts PORT ORIGIN
 */
import http from "node:http";
import { Agent, type Dispatcher } from "undici";

const [port, origin] = process.argv.slice(2) as [string, string];
const agent = new Agent({ pipelining: 1 });

http
  .createServer((request, response) => {
    agent.dispatch(
      {
        origin,
        path: request.url!,
        method: request.method as Dispatcher.HttpMethod,
        headers: request.rawHeaders,
        body: null,
      },
      {
        onConnect() {},
        onHeaders(status, headers) {
          response.writeHead(status, headers.map(String));
          return true;
        },
        onData: (chunk) => response.write(chunk),
        onComplete: () => response.end(),
        onError: (error) => response.destroy(error),
      },
    );
  })
  .listen(Number(port), "127.0.0.1");
