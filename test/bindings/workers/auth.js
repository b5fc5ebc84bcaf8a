/** What desk binds: `fetch`, an entrypoint with RPC, props. */
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";

class Greeter extends RpcTarget {
  constructor(word) {
    super();
    this.word = word;
  }
  greet(name) {
    return `${this.word} ${name}`;
  }
}

export class Verifier extends WorkerEntrypoint {
  verify(token) {
    return token === "secret";
  }
  props() {
    return this.ctx.props;
  }
  makeGreeter(word) {
    return new Greeter(word);
  }
  numbers() {
    return new Blob(["1 2 3"]).stream();
  }
  async callBack(callback) {
    await callback("called back");
  }
  fail() {
    throw new RangeError("out of range");
  }
  throughDesk(number) {
    return this.env.DESK.double(number);
  }
}

export default {
  async fetch(request) {
    return Response.json({ url: request.url, method: request.method, body: await request.text() });
  },
};
