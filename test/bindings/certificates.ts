/** Certificates made for one test run: a CA, and what it signs. */
import { generate } from "selfsigned";

export interface KeyPair {
  certificate: string;
  key: string;
}

/** Make CA and leaf certificates. Keys are PKCS#8 PEM. */
export async function makeCa(
  name: string,
  keyType: "rsa" | "ec" = "rsa",
): Promise<KeyPair & { sign(subject: string, hosts?: string[]): Promise<KeyPair> }> {
  const options = {
    keyType,
    algorithm: "sha256",
    keySize: 2048,
    notAfterDate: new Date(Date.now() + 86_400_000),
  } as const;
  const ca = await generate([{ name: "commonName", value: name }], {
    ...options,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
    ],
  });
  return {
    certificate: ca.cert,
    key: ca.private,
    async sign(subject, hosts) {
      const leaf = await generate([{ name: "commonName", value: subject }], {
        ...options,
        ca: { key: ca.private, cert: ca.cert },
        extensions: [
          { name: "basicConstraints", cA: false },
          { name: "keyUsage", digitalSignature: true, keyEncipherment: true },
          { name: "extKeyUsage", serverAuth: hosts !== undefined, clientAuth: hosts === undefined },
          ...(hosts
            ? [{ name: "subjectAltName" as const, altNames: hosts.map((value) => ({ type: 2 as const, value })) }]
            : []),
        ],
      });
      return { certificate: leaf.cert, key: leaf.private };
    },
  };
}
