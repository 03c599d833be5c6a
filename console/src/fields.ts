/** What a form needs to know of a command, read from the OpenAPI document. */

import { type Fields, get } from "./api";

export type Kind = "text" | "lines" | "long" | "choice" | "yes" | "number" | "integer" | "json";

export interface Field {
  name: string;
  kind: Kind;
  required: boolean;
  choices: string[];
  initial: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  example: unknown;
}

export interface Described {
  summary: string;
  description: string;
  fields: Field[];
}

const LONG_TEXT = 5000;
let document_: Promise<Fields> | null = null;

/** Describe the command at a path such as `/api/divisions/{division_id}/design/event`. */
export async function describe(path: string): Promise<Described> {
  // Asked for when the first form opens: the first view does without.
  document_ ??= get("/api/openapi.json").catch((error: unknown) => {
    document_ = null;
    throw error;
  });
  const whole = await document_;
  const operation = whole.paths[path]?.post;
  if (!operation) throw new Error(`the daemon does not describe ${path}`);
  const content = operation.requestBody?.content?.["application/json"];
  const schema = resolved(whole, content?.schema ?? {});
  const required: string[] = schema.required ?? [];
  return {
    summary: operation.summary,
    description: prose(operation.description ?? ""),
    fields: Object.entries<Fields>(schema.properties ?? {}).map(([name, property]) => field(whole, name, property, required.includes(name), content?.example?.[name])),
  };
}

/** The descriptions begin with the request, indented, for readers of the source. */
function prose(description: string): string {
  return description
    .split("\n")
    .filter((line) => !/^(GET|POST|DELETE) |^\s{2,}|^\{/.test(line))
    .join("\n")
    .replaceAll("``", "")
    .trim();
}

function resolved(whole: Fields, schema: Fields): Fields {
  const name = /^#\/components\/schemas\/(.+)$/.exec(schema.$ref ?? "")?.[1];
  return name ? whole.components.schemas[name] : schema;
}

function field(whole: Fields, name: string, given: Fields, required: boolean, example: unknown): Field {
  let schema = resolved(whole, given);
  const others = (schema.anyOf ?? []).map((one: Fields) => resolved(whole, one)).filter((one: Fields) => one.type !== "null");
  // Of text or a list of words, text is what a person writes.
  if (others.length) schema = others.find((one: Fields) => one.type === "string") ?? others[0];
  const bounds: Partial<Field> = {};
  if (schema.minimum !== undefined) bounds.minimum = schema.minimum;
  if (schema.maximum !== undefined) bounds.maximum = schema.maximum;
  if (schema.maxLength !== undefined) bounds.maxLength = schema.maxLength;
  return { name, kind: kindOf(schema), required, choices: (schema.enum ?? []).map(String), initial: given.default ?? schema.default, example, ...bounds };
}

function kindOf(schema: Fields): Kind {
  if (schema.enum) return "choice";
  if (schema.type === "boolean") return "yes";
  if (schema.type === "number" || schema.type === "integer") return schema.type;
  if (schema.type === "array" && schema.items?.type === "string") return "lines";
  if (schema.type === "string") return (schema.maxLength ?? 0) > LONG_TEXT ? "long" : "text";
  return "json";
}

/** Return what a form's entry means; undefined: it was left as it is. */
export function meaning(field: Field, entry: FormDataEntryValue | null): unknown {
  if (field.kind === "yes") return entry !== null === Boolean(field.initial) ? undefined : entry !== null;
  const text = String(entry ?? "");
  if (text.trim() === "") return undefined;
  switch (field.kind) {
    case "number":
    case "integer":
      return Number(text);
    case "lines":
      return text.split("\n").map((line) => line.trim()).filter(Boolean);
    case "json":
      try {
        return JSON.parse(text);
      } catch {
        throw new Error(`${field.name} must be JSON, such as ${JSON.stringify(field.example ?? {})}`);
      }
    default:
      return text;
  }
}
