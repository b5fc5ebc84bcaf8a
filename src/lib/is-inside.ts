import path from "node:path";

/** Whether a file is a folder, or lies below it. Both absolute. */
export function isInside(file: string, folder: string): boolean {
  return file === folder || file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
}
