/** The client certificate really is presented: a real HTTPS server demands one, and reads whose it was. */
import { createPrivateKey } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kindById } from "../../src/bindings/index.ts";
import { makeCa } from "./certificates.ts";
import { bindingOf, environmentOf, type Running, start } from "./support.ts";

let dir: string;
let server: https.Server;
let running: Running;
let caCertificate: string;

const code = `
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const through = env[url.pathname.slice(1)] ?? { fetch: (...request) => fetch(...request) };
    const answer = await through.fetch("https://localhost:" + url.searchParams.get("port") + "/who", { method: "POST", body: "hi" }).then(
      async (response) => ({ status: response.status, body: await response.json() }),
      (error) => ({ error: error.message }),
    );
    return Response.json(answer);
  }
}`;

const pkcs1 = (pem: string) => createPrivateKey(pem).export({ type: "pkcs1", format: "pem" }).toString();
const sec1 = (pem: string) => createPrivateKey(pem).export({ type: "sec1", format: "pem" }).toString();

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "troupe-mtls-"));
  const [ca, ellipticCa, strangers] = await Promise.all([
    makeCa("Test CA"),
    makeCa("Elliptic CA", "ec"),
    makeCa("Nobody's CA"),
  ]);
  const [host, client, elliptic, stranger] = await Promise.all([
    ca.sign("localhost", ["localhost"]),
    ca.sign("client"),
    ellipticCa.sign("elliptic client"),
    strangers.sign("stranger"),
  ]);
  caCertificate = ca.certificate;
  const files = {
    "ca.pem": ca.certificate,
    "client.pem": client.certificate,
    "client.key": client.key,
    "client-pkcs1.key": pkcs1(client.key),
    "elliptic.pem": elliptic.certificate,
    "elliptic.key": sec1(elliptic.key),
    "stranger.pem": stranger.certificate,
    "stranger.key": stranger.key,
  };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(path.join(dir, name), text)));

  server = https.createServer(
    {
      key: host.key,
      cert: host.certificate,
      ca: [ca.certificate, ellipticCa.certificate],
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const socket = request.socket as TLSSocket;
      const subject = socket.getPeerCertificate().subject.CN;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ subject, authorized: socket.authorized, protocol: socket.getProtocol() }));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));

  running = await start({
    caller: {
      code,
      environment: { dir },
      config: {
        mtls_certificates: [
          { binding: "CLIENT", certificate: "client.pem", private_key: "client.key", ca: "ca.pem" },
          { binding: "PKCS1", certificate: "client.pem", private_key: "client-pkcs1.key", ca: "ca.pem" },
          { binding: "ELLIPTIC", certificate: "elliptic.pem", private_key: "elliptic.key", ca: "ca.pem" },
          { binding: "STRANGER", certificate: "stranger.pem", private_key: "stranger.key", ca: "ca.pem" },
          { binding: "NO_CA", certificate: "client.pem", private_key: "client.key" },
          { binding: "NO_FILE", certificate: "elsewhere.pem", private_key: "client.key" },
        ],
      },
    },
  });
}, 60_000);
afterAll(async () => {
  await running?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
  await rm(dir, { recursive: true });
});

const through = (name: string) => running.json("caller", `/${name}?port=${(server.address() as AddressInfo).port}`);
const authorized = (subject: string) => ({ status: 200, body: { subject, authorized: true, protocol: "TLSv1.3" } });

test("with the certificate: the server sees whose it is", async () => {
  expect(await through("CLIENT")).toEqual(authorized("client"));
});

test("keys in PKCS#8, PKCS#1 and SEC 1 form, RSA and elliptic", async () => {
  expect(await through("PKCS1")).toEqual(authorized("client"));
  expect(await through("ELLIPTIC")).toEqual(authorized("elliptic client"));
});

test("without a certificate, or with one that the server's CA did not sign: refused", async () => {
  const refusals: (string | undefined)[] = [];
  server.on("tlsClientError", (error: NodeJS.ErrnoException) => refusals.push(error.code));
  const { port } = server.address() as AddressInfo;
  const trusting = new Promise((_, reject) =>
    https.get({ host: "localhost", port, ca: caCertificate }, reject).on("error", reject),
  );
  await expect(trusting).rejects.toThrow();
  expect(refusals).toEqual(["ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE"]);
  expect(await through("plain")).toEqual({ error: expect.any(String) });
  expect(await through("STRANGER")).toEqual({ error: expect.any(String) });
});

test("a server whose CA is not trusted is not talked to", async () => {
  expect(await through("NO_CA")).toEqual({ error: expect.any(String) });
});

test("a missing file: the graph starts with a warning, and the call says which file", async () => {
  expect(running.started.warnings).toEqual([
    expect.objectContaining({ code: "missing-certificate", message: expect.stringContaining("elsewhere.pem") }),
  ]);
  expect(await through("NO_FILE")).toEqual({ error: expect.stringContaining("elsewhere.pem") });
});

test("certificate and key are checked when the config is read", () => {
  const faults = (entry: Record<string, unknown>) => {
    const binding = bindingOf({ mtls_certificates: [{ binding: "C", ...entry }] });
    return kindById("mtls-certificate")!.validate!(binding, environmentOf("caller", {}, { dir }));
  };
  expect(faults({ certificate: "client.pem", private_key: "client.key", ca: "ca.pem" })).toEqual([]);
  expect(faults({ certificate: "client.pem", private_key: "stranger.key" })).toEqual([
    {
      code: "key-mismatch",
      message: "The private key stranger.key does not belong to the certificate client.pem.",
      notes: ["The certificate is for CN=client. Use the key it was made with."],
      path: ["private_key"],
    },
  ]);
  // In words of ours: OpenSSL's are numbers.
  expect(faults({ certificate: "client.key", private_key: "client.pem" })).toEqual([
    { code: "malformed-pem", message: "client.key holds no certificate in PEM form.", path: ["certificate"] },
    {
      code: "malformed-pem",
      message: "client.pem holds no unencrypted private key in PEM form.",
      path: ["private_key"],
    },
  ]);
  expect(faults({ certificate: "client.pem" })).toEqual([expect.objectContaining({ code: "missing-field" })]);
  expect(faults({})).toEqual([expect.objectContaining({ code: "missing-field" })]);
  // Another environment's files are rarely on this machine.
  expect(faults({ certificate: "production.pem", private_key: "production.key" })).toEqual([]);
});
