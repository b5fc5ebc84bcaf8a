/** SQL text → single statements. */

/**
 * Splits at semicolons that end a statement: not those in strings, quoted names, comments, or the body of a trigger
 * (`BEGIN … END`; `CASE … END` inside it). Statements of comments only are left out.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let current = "";
  let hasCode = false;
  let depth = 0;
  const token =
    /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[A-Za-z_][A-Za-z0-9_$]*|;|\s+|[\s\S]/g;
  for (const [part] of sql.matchAll(token)) {
    if (part === ";" && depth === 0) {
      if (hasCode) statements.push(current.trim());
      current = "";
      hasCode = false;
      continue;
    }
    if (!/^(\s|--|\/\*)/.test(part)) hasCode = true;
    if (/^create$/i.test(part) || depth > 0 || /\bcreate\b/i.test(current)) {
      // BEGIN opens a body only inside CREATE TRIGGER: alone it starts a transaction, which D1 refuses.
      if (/^begin$/i.test(part) && /\btrigger\b/i.test(current)) depth++;
      else if (/^case$/i.test(part) && depth > 0) depth++;
      else if (/^end$/i.test(part) && depth > 0) depth--;
    }
    current += part;
  }
  if (hasCode) statements.push(current.trim());
  return statements;
}
