/**
 * CommonJS modules that are run from V8's code cache as it is after use. Node's own compile cache is made when a module is
 * compiled, and so before it has run: what V8 compiles when it is first called is not in it, and of a big package that is
 * most of what a start needs (https://v8.dev/blog/code-caching-for-devs).
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire, Module } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Script, constants as vm } from "node:vm";
import { crc32 } from "node:zlib";

export interface WarmModule {
  exports: unknown;
  /**
   * Writes the cache, unless it is there: to be called when what the next process needs has run. Takes some 30 ms for
   * megabytes of code. A cache that can't be written is no error.
   */
  keep(): void;
}

/** What Node puts around a module (https://nodejs.org/api/modules.html#the-module-wrapper), on its first and last line. */
const [BEFORE, AFTER] = ["(function (exports, require, module, __filename, __dirname) { ", "\n});"].map((part) =>
  Buffer.from(part),
) as [Buffer, Buffer];

const CHECKSUM_BYTES = 4;

/**
 * Like `require(file)`, which gives the same exports before and afterwards. Its own `require` takes URLs of files as well, for
 * an `import()` that became a `require`; one that stayed works, and makes Node warn of an experiment.
 * @param file absolute path of a CommonJS module, without a hashbang
 * @param folder where caches lie; it belongs to one version of Node, as `module.getCompileCacheDir()` does. Undefined: none
 * @param options.code file that has the module's code, when that is another one
 * @param options.name of the cache, when there are several of one module, because not all that use it need the same of it
 */
export function loadWarm(
  file: string,
  folder: string | undefined,
  { code = file, name = path.basename(file) }: { code?: string; name?: string } = {},
): WarmModule {
  const require = createRequire(file);
  const known = require.cache[file];
  if (known || folder === undefined) return { exports: require(file), keep: () => {} };

  const source = readFileSync(code);
  // V8 compares nothing but the length of the source.
  const cacheFile = path.join(folder, `${name}-${crc32(`${file}\0`, crc32(source)).toString(16)}.warm`);
  const cachedData = read(cacheFile);
  const script = new Script(Buffer.concat([BEFORE, source, AFTER]).toString(), {
    filename: file,
    ...(cachedData && { cachedData }),
    importModuleDynamically: vm.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const loaded = new Module(file);
  loaded.filename = file;
  require.cache[file] = loaded;
  try {
    const requireUrl = (id: string): unknown => require(id.startsWith("file:") ? fileURLToPath(id) : id);
    script.runInThisContext()(loaded.exports, Object.assign(requireUrl, require), loaded, file, path.dirname(file));
  } catch (error) {
    delete require.cache[file];
    throw error;
  }
  loaded.loaded = true;
  let kept = cachedData !== undefined && script.cachedDataRejected !== true;
  return {
    exports: loaded.exports,
    keep() {
      if (kept) return;
      kept = true;
      write(cacheFile, script.createCachedData());
    },
  };
}

/** Behind the cache stands its checksum: V8 would run what it can't make out, and bring the process down. */
function read(file: string): Buffer | undefined {
  try {
    const content = readFileSync(file);
    const data = content.subarray(0, -CHECKSUM_BYTES);
    return content.readUInt32LE(data.length) === crc32(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Moved into place: a process that starts meanwhile sees all of it or nothing. */
function write(file: string, data: Buffer): void {
  const temporary = `${file}.${process.pid}.tmp`;
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32LE(crc32(data));
  try {
    writeFileSync(temporary, Buffer.concat([data, checksum]), { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    // Then the next process compiles once more.
  }
}
