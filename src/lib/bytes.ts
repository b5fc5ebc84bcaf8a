/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(2)} MiB`;
}

const POWERS = { k: 1, m: 2, g: 3, t: 4 };

/** "512MB" → 512,000,000; "1.5GiB" → 1,610,612,736. @returns undefined for what is no size with a unit */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgt])(i?)b?$/i.exec(text.trim());
  if (!match) return undefined;
  const [, number, unit, binary] = match;
  const power = POWERS[unit!.toLowerCase() as keyof typeof POWERS];
  return Math.round(Number(number) * (binary ? 1024 : 1000) ** power);
}
