import { distance } from "fastest-levenshtein";

/**
 * The candidate that somebody most likely meant by `word`: at most a third of its letters wrong, or one that starts
 * with it. Undefined when nothing is close.
 */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: { candidate: string; score: number } | undefined;
  for (const candidate of candidates) {
    const known = candidate.toLowerCase();
    const allowed = Math.max(1, Math.floor(Math.max(wanted.length, known.length) / 3));
    // Swapped letters are one slip, not two: "dve".
    const steps = sameLetters(wanted, known) ? 1 : distance(wanted, known);
    const score = steps <= allowed ? steps : wanted.length >= 2 && known.startsWith(wanted) ? allowed + 1 : undefined;
    if (score !== undefined && (best === undefined || score < best.score)) best = { candidate, score };
  }
  return best?.candidate;
}

function sameLetters(one: string, other: string): boolean {
  return one.length === other.length && one !== other && [...one].sort().join("") === [...other].sort().join("");
}
