/** The certificate of `dev` over https: the user's own, or one made on the spot for localhost. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { TroupeError } from "../../errors.ts";
import { whyUnreadable } from "../../lib/file-error.ts";

const DAYS = 30;

/** @throws TroupeError CONFIG when a named file cannot be read */
export async function loadCertificate(
  paths: { key?: string; cert?: string },
  cwd: string,
): Promise<{ key: string; cert: string }> {
  if (paths.key === undefined || paths.cert === undefined) return selfSigned();
  const [key, cert] = await Promise.all([paths.key, paths.cert].map((file) => readPem(path.resolve(cwd, file))));
  return { key: key!, cert: cert! };
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new TroupeError("CONFIG", `Cannot read ${file}: ${whyUnreadable(error)}`, { cause: error });
  }
}

async function selfSigned(): Promise<{ key: string; cert: string }> {
  // Bundled, a CommonJS package imported on demand has a default export only.
  const { default: selfsigned } = await import("selfsigned");
  const names = ["localhost", "*.localhost"].map((value) => ({ type: 2 as const, value }));
  const made = await selfsigned.generate([{ name: "commonName", value: "localhost" }], {
    notAfterDate: new Date(Date.now() + DAYS * 86_400_000),
    algorithm: "sha256",
    keyType: "ec",
    extensions: [{ name: "subjectAltName", altNames: [...names, { type: 7 as const, ip: "127.0.0.1" }] }],
  });
  return { key: made.private, cert: made.cert };
}
