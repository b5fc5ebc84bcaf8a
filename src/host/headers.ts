/** Headers at the front door: which pass, which are ours. */
import { randomBytes } from "node:crypto";

/** Meant for one connection only (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Of a request: those, what is set by us (what a client sends under these names would be believed by the code), and
 * `expect`, which our server has answered already.
 */
const NOT_FORWARDED = new Set([...HOP_BY_HOP, "cf-connecting-ip", "cf-ray", "expect"]);

/** Miniflare reads its own orders from headers that begin like this. */
const MINIFLARE = "mf-";

/** What `request.cf` is read from, by workerd's socket as Miniflare sets it up. */
const CF_BLOB = "mf-cf-blob";

/** Random bytes are cheap by the thousand. */
let pool = Buffer.alloc(0);
let used = 0;

/** A ray id as Cloudflare makes them: 16 hex digits and a data centre. */
export function newRay(): string {
  if (used + 8 > pool.length) {
    pool = randomBytes(8192);
    used = 0;
  }
  used += 8;
  return `${pool.toString("hex", used - 8, used)}-LOC`;
}

/** What the front door has to know of a request, read from its headers in one go. */
export interface RequestHead {
  /** As the client sent it, with the port; the first one. */
  host: string | undefined;
  /** More than one `Host`: who it is for depends on who reads it (RFC 9112, 3.2). */
  ambiguous: boolean;
  hasBody: boolean;
  /** Those that go on to the Worker, in undici's flat form. */
  forwarded: string[];
}

/** @param raw flat, as the client sent them */
export function readHead(raw: readonly string[]): RequestHead {
  const head: RequestHead = { host: undefined, ambiguous: false, hasBody: false, forwarded: [] };
  /** Named in `Connection`: for this connection alone. */
  let named: Set<string> | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    if (lowerCase(raw[at]!) !== "connection") continue;
    for (const token of raw[at + 1]!.split(",")) {
      const name = token.trim().toLowerCase();
      // The two that nearly all clients send name no header that goes on.
      if (name === "keep-alive" || name === "close") continue;
      named ??= new Set();
      named.add(name);
    }
  }
  for (let at = 0; at < raw.length; at += 2) {
    const name = lowerCase(raw[at]!);
    const value = raw[at + 1]!;
    if (name === "host") {
      head.ambiguous ||= head.host !== undefined;
      head.host ??= value;
    } else if (name === "content-length") head.hasBody ||= value !== "0";
    else if (name === "transfer-encoding") head.hasBody = true;
    if (NOT_FORWARDED.has(name) || name.startsWith(MINIFLARE) || named?.has(name)) continue;
    head.forwarded.push(raw[at]!, value);
  }
  return head;
}

/** Adds what the Worker is told by us. */
export function addOwnHeaders(forwarded: string[], own: { ray: string; ip: string; cf: string }): void {
  forwarded.push("CF-Connecting-IP", own.ip, "CF-Ray", own.ray, CF_BLOB, own.cf);
}

/** Methods whose requests say that they have no body, because one is expected (RFC 9110, 8.6). */
const SAY_LENGTH = new Set(["POST", "PUT", "PATCH"]);

/**
 * The text of a request without a body. Nothing in it is checked: our server's parser has let it through.
 * @param url absolute, so that the Worker sees the very URL of the client, with scheme and host
 */
export function requestText(method: string, url: string, forwarded: readonly string[]): string {
  let text = `${method} ${url} HTTP/1.1\r\n`;
  for (let at = 0; at < forwarded.length; at += 2) text += `${forwarded[at]}: ${forwarded[at + 1]}\r\n`;
  if (SAY_LENGTH.has(method) && headerOf(forwarded, "content-length") === undefined) text += "Content-Length: 0\r\n";
  return `${text}\r\n`;
}

/**
 * A Worker's headers as the client gets them, in Node's flat form.
 * @param raw name, value, name, value… as they came
 * @param own replace those of the same names; lower case
 */
export function responseHeaders(raw: readonly string[], own: readonly string[] = []): string[] {
  const headers: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const lower = lowerCase(raw[at]!);
    if (!HOP_BY_HOP.has(lower) && headerOf(own, lower) === undefined) headers.push(raw[at]!, raw[at + 1]!);
  }
  headers.push(...own);
  return headers;
}

/** @param headers flat @returns the value of the first one of this name */
export function headerOf(headers: readonly string[], lower: string): string | undefined {
  for (let at = 0; at < headers.length; at += 2) if (lowerCase(headers[at]!) === lower) return headers[at + 1];
  return undefined;
}

/** Names of headers are few, and come by the thousand a second. */
const lowered = new Map<string, string>();

function lowerCase(name: string): string {
  const known = lowered.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  // Whoever invents names shall not fill our memory.
  if (lowered.size < 1000 && name.length < 100) lowered.set(name, lower);
  return lower;
}

/**
 * `request.cf` of a request that did not come over Cloudflare's network: the same fields, with values that are true here
 * where there are any. https://developers.cloudflare.com/workers/runtime-apis/request/#incomingrequestcfproperties
 */
export function localCf(httpVersion: string, tls: boolean): string {
  const made = tls ? SECURE : PLAIN;
  let cf = made.get(httpVersion);
  if (cf === undefined) {
    cf = JSON.stringify(cfOf(httpVersion, tls));
    made.set(httpVersion, cf);
  }
  return cf;
}

/** By HTTP version. */
const PLAIN = new Map<string, string>();
const SECURE = new Map<string, string>();

function cfOf(httpVersion: string, tls: boolean): Record<string, unknown> {
  return {
    asOrganization: "Local",
    asn: 64512,
    clientAcceptEncoding: "br, gzip",
    clientTcpRtt: 1,
    colo: "LOC",
    country: "US",
    continent: "NA",
    city: "Austin",
    region: "Texas",
    regionCode: "TX",
    metroCode: "635",
    postalCode: "78701",
    timezone: "America/Chicago",
    latitude: "30.27130",
    longitude: "-97.74260",
    edgeRequestKeepAliveStatus: 1,
    httpProtocol: `HTTP/${httpVersion}`,
    requestPriority: "",
    tlsCipher: tls ? "AEAD-AES128-GCM-SHA256" : "",
    tlsVersion: tls ? "TLSv1.3" : "",
    tlsClientAuth: {
      certPresented: "0",
      certVerified: "NONE",
      certRevoked: "0",
      certIssuerDN: "",
      certSubjectDN: "",
      certIssuerDNRFC2253: "",
      certSubjectDNRFC2253: "",
      certIssuerDNLegacy: "",
      certSubjectDNLegacy: "",
      certSerial: "",
      certIssuerSerial: "",
      certSKI: "",
      certIssuerSKI: "",
      certFingerprintSHA1: "",
      certFingerprintSHA256: "",
      certNotBefore: "",
      certNotAfter: "",
    },
  };
}

/** A header's value as a message has it from `from` to `to`: without the blanks around it; other space (0xA0) belongs to it. */
export function fieldValue(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Space and tab (RFC 9110, 5.6.3). */
function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
