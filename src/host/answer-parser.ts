/**
 * HTTP/1.1 answers as they come from workerd, piece by piece (RFC 9112). It reads what one known program writes, so it is
 * strict: whatever would leave a doubt about where an answer ends is an error, and the connection is not used again.
 */
import { fieldValue } from "./headers.ts";

/** What the parser finds, in this order. What throws here leaves `feed` and is the caller's to catch. */
export interface AnswerSink {
  /** The head of the final answer; informational ones are left out. @param headers flat, as they came */
  onHead(status: number, headers: string[]): void;
  /** Some of its body. The bytes are the caller's, and are overwritten after `feed`. */
  onBody(bytes: Buffer): void;
  /** It is over. @param reusable whether another request may follow on this connection */
  onEnd(reusable: boolean): void;
}

/** What came is no answer that can be read in one way only. */
class AnswerError extends Error {}

const MAX_HEAD = 128 * 1024;
const MAX_CHUNK_LINE = 4096;
const MAX_TRAILERS = 16 * 1024;

/** `#state`: what comes next. */
const IDLE = 0;
const HEAD = 1;
/** Of a body with a length. */
const BYTES = 2;
const CHUNK_LINE = 3;
const CHUNK = 4;
const CHUNK_END = 5;
const TRAILERS = 6;
/** A body that ends with its connection. */
const UNTIL_CLOSE = 7;

const NONE = Buffer.alloc(0);
const CR = 13;
const LF = 10;

export class AnswerParser {
  readonly #sink: AnswerSink;
  #state = IDLE;
  /** Lines that are not complete yet. */
  #rest = NONE;
  #isHead = false;
  /** Bytes that are to come of a body or a chunk. */
  #left = 0;
  #reusable = true;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** A request was sent: its answer is next. */
  begin(method: string): void {
    this.#state = HEAD;
    this.#isHead = method === "HEAD";
    this.#reusable = true;
  }

  /** @throws AnswerError; whatever the sink throws */
  feed(given: Buffer): void {
    let bytes = given;
    if (this.#rest.length > 0) {
      bytes = Buffer.concat([this.#rest, given]);
      this.#rest = NONE;
    }
    for (let at = 0; at < bytes.length; ) {
      const next = this.#step(bytes, at);
      if (next < 0) {
        this.#rest = Buffer.from(bytes.subarray(at));
        return;
      }
      at = next;
    }
  }

  /** The connection has ended. @throws AnswerError when that is in the middle of an answer */
  end(): void {
    if (this.#state === UNTIL_CLOSE) this.#finish();
    else if (this.#state !== IDLE) throw new AnswerError("The connection ended before the answer did");
  }

  /** @returns where to go on; below 0 when more is needed */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case HEAD:
        return this.#head(bytes, at);
      case BYTES:
      case CHUNK: {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        this.#sink.onBody(bytes.subarray(at, end));
        if (this.#left === 0) {
          if (this.#state === CHUNK) this.#state = CHUNK_END;
          else this.#finish();
        }
        return end;
      }
      case CHUNK_LINE:
        return this.#chunkLine(bytes, at);
      case CHUNK_END:
        if (bytes[at] !== CR || (at + 1 < bytes.length && bytes[at + 1] !== LF)) {
          throw new AnswerError("A chunk is longer than it says");
        }
        if (at + 1 === bytes.length) return -1;
        this.#state = CHUNK_LINE;
        return at + 2;
      case TRAILERS:
        return this.#trailers(bytes, at);
      case UNTIL_CLOSE:
        this.#sink.onBody(bytes.subarray(at));
        return bytes.length;
      default:
        throw new AnswerError("There is more than the answer");
    }
  }

  #head(bytes: Buffer, at: number): number {
    const end = bytes.indexOf("\r\n\r\n", at, "latin1");
    if ((end < 0 ? bytes.length : end) - at > MAX_HEAD) throw new AnswerError("The head is too long");
    if (end < 0) return -1;
    const text = bytes.toString("latin1", at, end + 2);
    const status = statusOf(text);
    if (status === 101) throw new AnswerError("Nobody asked for another protocol");
    let length = -1;
    let chunked = false;
    const headers: string[] = [];
    for (let line = text.indexOf("\r\n") + 2; line < text.length; ) {
      const stop = text.indexOf("\r\n", line);
      const colon = text.indexOf(":", line);
      if (colon < 0 || colon > stop) throw new AnswerError("A header has no name");
      const name = text.slice(line, colon);
      const value = fieldValue(text, colon + 1, stop);
      if (/[\0\r\n]/.test(value)) throw new AnswerError(`The header ${name} has a line in it`);
      line = stop + 2;
      headers.push(name, value);
      switch (checkedName(name)) {
        case "content-length":
          if (length >= 0 || !/^\d{1,15}$/.test(value)) throw new AnswerError("Its length is not clear");
          length = Number(value);
          break;
        case "transfer-encoding":
          if (chunked || value.toLowerCase() !== "chunked")
            throw new AnswerError(`Its encoding is not known: ${value}`);
          chunked = true;
          break;
        case "connection":
          if (/(^|[\s,])close($|[\s,])/i.test(value)) this.#reusable = false;
          break;
      }
    }
    const next = end + 4;
    if (status < 200) return next;
    if (chunked && length >= 0) throw new AnswerError("It has both a length and chunks");
    this.#sink.onHead(status, headers);
    if (this.#isHead || status === 204 || status === 304 || length === 0) this.#finish();
    else if (chunked) this.#state = CHUNK_LINE;
    else if (length > 0) {
      this.#state = BYTES;
      this.#left = length;
    } else {
      this.#state = UNTIL_CLOSE;
      this.#reusable = false;
    }
    return next;
  }

  #chunkLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf("\r\n", at, "latin1");
    if ((end < 0 ? bytes.length : end) - at > MAX_CHUNK_LINE) throw new AnswerError("The head of a chunk is too long");
    if (end < 0) return -1;
    // What follows the size is for nobody (RFC 9112, 7.1.1).
    const size = /^([\da-f]{1,12})[ \t]*(?:;[^\r\n]*)?$/i.exec(bytes.toString("latin1", at, end))?.[1];
    if (size === undefined) throw new AnswerError("A chunk has no size");
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? TRAILERS : CHUNK;
    return end + 2;
  }

  /** Left out: those who read them would have to be told before the body. */
  #trailers(bytes: Buffer, at: number): number {
    const none = bytes[at] === CR && (at + 1 >= bytes.length || bytes[at + 1] === LF);
    const end = none ? at : bytes.indexOf("\r\n\r\n", at, "latin1");
    if ((end < 0 ? bytes.length : end) - at > MAX_TRAILERS) throw new AnswerError("The trailers are too long");
    if (end < 0 || (none && at + 1 >= bytes.length)) return -1;
    this.#finish();
    return end + (none ? 2 : 4);
  }

  #finish(): void {
    this.#state = IDLE;
    this.#sink.onEnd(this.#reusable);
  }
}

function statusOf(text: string): number {
  const status = /^HTTP\/1\.1 ([1-5]\d\d)(?: [^\0\r\n]*)?\r\n/.exec(text)?.[1];
  if (status === undefined) throw new AnswerError("It does not begin as an answer of HTTP/1.1 does");
  return Number(status);
}

/** Names are few, and come by the thousand a second. */
const names = new Map<string, string>();

/** @returns in lower case @throws AnswerError for what is no token (RFC 9110, 5.6.2) */
function checkedName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (!/^[!#$%&'*+\-.^_`|~\da-zA-Z]+$/.test(name)) throw new AnswerError(`No name of a header: ${name}`);
  const lower = name.toLowerCase();
  // Whoever invents names shall not fill our memory.
  if (names.size < 1000 && name.length < 100) names.set(name, lower);
  return lower;
}
