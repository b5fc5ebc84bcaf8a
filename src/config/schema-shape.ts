/** Looking into zod schemas: which keys a table may have, and what a value was expected to be. */
import type * as z from "zod";

interface Def {
  type: string;
  shape?: Record<string, z.ZodType>;
  innerType?: z.ZodType;
  element?: z.ZodType;
  valueType?: z.ZodType;
  options?: z.ZodType[];
  in?: z.ZodType;
}

const defOf = (schema: z.ZodType) => schema.def as unknown as Def;

/** The schemas that a value at a path below `schema` may have: several where there are unions on the way. */
function schemasAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType[] {
  const { type, shape, innerType, element, valueType, options, in: input } = defOf(schema);
  if (innerType) return schemasAt(innerType, path);
  if (type === "pipe" && input) return schemasAt(input, path);
  if (options) return options.flatMap((option) => schemasAt(option, path));
  const [key, ...rest] = path;
  if (key === undefined) return [schema];
  if (shape) {
    const child = Object.hasOwn(shape, key) ? shape[key as string] : undefined;
    return child ? schemasAt(child, rest) : [];
  }
  const below = element ?? valueType;
  return below ? schemasAt(below, rest) : [];
}

/** The names that the table at a path may have. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  return [...new Set(schemasAt(schema, path).flatMap((found) => Object.keys(defOf(found).shape ?? {})))];
}

/** What a schema's author says about the value at a path. */
export function descriptionAt(schema: z.ZodType, path: readonly PropertyKey[]): string | undefined {
  if (path.length === 0) return schema.description;
  for (const parent of schemasAt(schema, path.slice(0, -1))) {
    const child = defOf(parent).shape?.[String(path.at(-1))];
    if (child?.description) return child.description;
  }
  return undefined;
}
