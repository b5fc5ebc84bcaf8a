/** 1, "object" → "1 object"; 2, "object" → "2 objects". */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
