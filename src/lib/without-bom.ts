/** A file's text without the byte order mark that some editors and shells write at its beginning. */
export function withoutBom(text: string): string {
  return text.replace(/^\uFEFF/, "");
}
