/** A certificate authority of this machine's own: made once, and asked for a certificate per hostname. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";
import { TroupeError } from "../errors.ts";

const CA_YEARS = 10;
/** Browsers take at most 398 days; ours are made anew at every start. */
const LEAF_DAYS = 90;
const DAY = 86_400_000;

export interface Authority {
  /** The file to trust. */
  certFile: string;
  /** Certificates for TLS servers, by the name that the client asks for; an unknown one ends the handshake. */
  serverOptions(isOurs: (hostname: string) => boolean): tls.SecureContextOptions & Pick<tls.TlsOptions, "SNICallback">;
}

/**
 * @param folder where its key (mode 0600) and certificate lie; made when there are none
 * @throws TroupeError STORE when they do not belong together or cannot be read
 */
export async function openAuthority(folder: string): Promise<Authority> {
  const ca = (await readAuthority(folder)) ?? (await makeAuthority(folder));
  const contexts = new Map<string, Promise<tls.SecureContext>>();
  const contextFor = (hostname: string): Promise<tls.SecureContext> => {
    const known = contexts.get(hostname) ?? leaf(ca, hostname).then(tls.createSecureContext);
    contexts.set(hostname, known);
    return known;
  };
  return {
    certFile: ca.certFile,
    serverOptions: (isOurs) => ({
      SNICallback(name, done) {
        const hostname = name.toLowerCase();
        if (!isOurs(hostname)) return done(new Error(`no certificate for ${hostname}`));
        contextFor(hostname).then(
          (context) => done(null, context),
          (error: Error) => done(error),
        );
      },
    }),
  };
}

interface Ca {
  key: string;
  cert: string;
  certFile: string;
}

function files(folder: string): { keyFile: string; certFile: string } {
  return { keyFile: path.join(folder, "ca.key"), certFile: path.join(folder, "ca.crt") };
}

async function readAuthority(folder: string): Promise<Ca | undefined> {
  const { keyFile, certFile } = files(folder);
  const [key, cert] = await Promise.all(
    [keyFile, certFile].map((file) =>
      readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw error;
      }),
    ),
  );
  if (key === undefined || cert === undefined) return undefined;
  try {
    const parsed = new X509Certificate(cert);
    if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is another one's");
    return Date.parse(parsed.validTo) > Date.now() + LEAF_DAYS * DAY ? { key, cert, certFile } : undefined;
  } catch (cause) {
    throw new TroupeError("STORE", `${certFile} and ${keyFile} are no certificate authority`, {
      notes: ["Delete both: a new one is made, which has to be trusted anew"],
      cause,
    });
  }
}

async function makeAuthority(folder: string): Promise<Ca> {
  const { keyFile, certFile } = files(folder);
  const { default: selfsigned } = await import("selfsigned");
  const name = `troupe on ${os.hostname()}`;
  const made = await selfsigned.generate([{ name: "commonName", value: name }], {
    notBeforeDate: new Date(Date.now() - DAY),
    notAfterDate: new Date(Date.now() + CA_YEARS * 365 * DAY),
    algorithm: "sha256",
    keyType: "ec",
    extensions: [
      { name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // The certificate last: without it there is no authority yet, and both are made anew.
  await writeFile(`${keyFile}.new`, made.private, { mode: 0o600 });
  await rename(`${keyFile}.new`, keyFile);
  await writeFile(certFile, made.cert);
  return { key: made.private, cert: made.cert, certFile };
}

async function leaf(ca: Ca, hostname: string): Promise<tls.SecureContextOptions> {
  const { default: selfsigned } = await import("selfsigned");
  const made = await selfsigned.generate([{ name: "commonName", value: hostname.slice(0, 64) }], {
    notBeforeDate: new Date(Date.now() - DAY),
    notAfterDate: new Date(Date.now() + LEAF_DAYS * DAY),
    algorithm: "sha256",
    keyType: "ec",
    ca,
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: hostname }] },
    ],
  });
  return { key: made.private, cert: `${made.cert}\n${ca.cert}` };
}
