/** Folders for tests. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";

/** Writes files below a folder, making folders as needed. */
export function writeFiles(dir: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** A folder outside any project, with these files. Remove it yourself (`afterAll`) where several tests share it. */
export function makeFolder(files: Record<string, string> = {}): string {
  const dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), "troupe-test-")));
  writeFiles(dir, files);
  return dir;
}

export function removeFolder(dir: string): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
}

/** A folder for the running test, gone when it ends. */
export function testFolder(files: Record<string, string> = {}): string {
  const dir = makeFolder(files);
  onTestFinished(() => removeFolder(dir));
  return dir;
}
