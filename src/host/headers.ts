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

/** Set by us; what a client sends under these names would be believed by the code. */
const OURS = new Set(["cf-connecting-ip", "cf-ray"]);

/** Miniflare reads its own orders from these. */
const MINIFLARE = /^mf-/i;

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

/**
 * A client's headers as the Worker gets them, in undici's flat form.
 * @param raw `IncomingMessage.rawHeaders`
 */
export function forwardedHeaders(raw: readonly string[], own: { ray: string; ip: string; cf: string }): string[] {
  const connection = new Set<string>();
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at]!.toLowerCase() === "connection")
      for (const name of raw[at + 1]!.split(",")) connection.add(name.trim().toLowerCase());
  }
  const headers: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    // `expect` was answered by our server already.
    if (HOP_BY_HOP.has(name) || connection.has(name) || OURS.has(name) || MINIFLARE.test(name) || name === "expect")
      continue;
    headers.push(raw[at]!, raw[at + 1]!);
  }
  headers.push("CF-Connecting-IP", own.ip, "CF-Ray", own.ray, CF_BLOB, own.cf);
  return headers;
}

/** A Worker's headers as the client gets them. */
export function responseHeaders(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name.toLowerCase())) result[name] = value;
  }
  return result;
}

/**
 * `request.cf` of a request that did not come over Cloudflare's network: the same fields, with values that are true here
 * where there are any. https://developers.cloudflare.com/workers/runtime-apis/request/#incomingrequestcfproperties
 */
export function localCf({ httpVersion, tls }: { httpVersion: string; tls: boolean }): string {
  const key = `${httpVersion} ${tls}`;
  const known = cfs.get(key) ?? JSON.stringify(cfOf(httpVersion, tls));
  cfs.set(key, known);
  return known;
}

const cfs = new Map<string, string>();

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
