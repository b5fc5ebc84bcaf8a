/** wasm_modules, text_blobs and data_blobs: files that service-worker syntax has as global variables. */
import { readFile } from "node:fs/promises";
import type { Bundle, Module, ModuleType } from "../model.ts";
import { configName, type Project, settingError } from "./project.ts";

export interface Blobs {
  /** Named by the variable. */
  modules: Module[];
  /** Absolute. */
  files: string[];
}

/** @throws TroupeError BUILD in module syntax, where an import does that; and for files that can't be read */
export async function loadBlobs(project: Project, format: Bundle["format"]): Promise<Blobs> {
  const { wasmModules, textBlobs, dataBlobs } = project.settings;
  const tables: [key: string, type: ModuleType, files: Record<string, string>][] = [
    ["wasm_modules", "wasm", wasmModules],
    ["text_blobs", "text", textBlobs],
    ["data_blobs", "data", dataBlobs],
  ];
  const blobs: Blobs = { modules: [], files: [] };
  for (const [key, type, files] of tables) {
    const entries = Object.entries(files);
    if (entries.length > 0 && format === "modules") {
      throw await settingError(project, key, `${key} is for service-worker syntax, and this Worker has exports`, [
        `Import the file in the code, and remove ${key} from ${configName(project)}`,
      ]);
    }
    for (const [name, file] of entries) {
      const contents = await readFile(file).catch(async (error: Error) => {
        const notes = ["Paths there start from the config's folder"];
        throw await settingError(project, `${key}.${name}`, `${key}.${name} can't be read: ${error.message}`, notes);
      });
      blobs.modules.push({ name, type, contents });
      blobs.files.push(file);
    }
  }
  return blobs;
}
