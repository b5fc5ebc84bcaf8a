/** `secret.key`: the key that seals secrets at rest (AES-256-GCM), and the sealing itself. */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { TroupeError } from "../errors.ts";

const NONCE = 12;
const TAG = 16;

/**
 * Reads the key beside the store, making one (mode 0600) when there is none yet.
 * @throws TroupeError STORE when the file holds no key
 */
export function loadKey(folder: string): Buffer {
  const file = path.join(folder, "secret.key");
  try {
    return parseKey(readFileSync(file, "utf8"), file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  // Written whole under another name, then linked: of two processes that make a key at once, one wins and both use it.
  const draft = path.join(folder, `secret.key.${process.pid}.${randomBytes(4).toString("hex")}`);
  try {
    writeFileSync(draft, `${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return parseKey(readFileSync(file, "utf8"), file);
}

function parseKey(text: string, file: string): Buffer {
  const key = Buffer.from(text.trim(), "base64");
  if (key.byteLength === 32) return key;
  throw new TroupeError("STORE", `${file} holds no key (32 bytes, base64)`, {
    notes: ["Restore the file from a backup: without it the secrets cannot be read"],
  });
}

/** Tells one key from another without giving it away. */
export function keyFingerprint(key: Buffer): string {
  return createHmac("sha256", key).update("troupe secret.key").digest("hex").slice(0, 32);
}

/** Tells equal values of one store from different ones. */
export function valueFingerprint(key: Buffer, name: string, value: string): string {
  return createHmac("sha256", key).update(`${name}\0${value}`).digest("hex").slice(0, 16);
}

/** @param context bound to the ciphertext: a sealed value cannot be moved to another place */
export function seal(key: Buffer, context: string, value: string): Uint8Array {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]);
}

/** @throws TroupeError STORE when the key is another one or the bytes were altered */
export function unseal(key: Buffer, context: string, sealed: Uint8Array): string {
  const bytes = Buffer.from(sealed);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE)).setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE, bytes.length - TAG)), decipher.final()]).toString(
      "utf8",
    );
  } catch (error) {
    throw new TroupeError("STORE", `The secret ${context} cannot be opened with this secret.key`, {
      notes: ["Put back the secret.key that the store was made with, or set the secret again"],
      cause: error,
    });
  }
}
