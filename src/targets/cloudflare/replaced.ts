/**
 * What a version that is replaced has around its Worker, and the new one has not, goes after the switch. Until that is done,
 * tags at the Worker say which versions these are: so a deploy that was killed in between is completed by the next one.
 */
const MARK = "troupe:replaces=";

/** Numbers of the versions. */
export function marksOf(tags: readonly string[]): number[] {
  return tags.filter((tag) => tag.startsWith(MARK)).map((tag) => Number(tag.slice(MARK.length)));
}

/** @returns the tags with one for each of these versions, by number */
export function withMarks(tags: readonly string[], versions: Iterable<number>): string[] {
  return [...new Set([...tags, ...[...versions].map((number) => `${MARK}${number}`)])];
}

/** @returns the tags of a Worker around which nothing is left to take away */
export function withoutMarks(tags: readonly string[]): string[] {
  return tags.filter((tag) => !tag.startsWith(MARK));
}
