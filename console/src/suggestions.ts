/** What there is already, offered where a form asks for the name or the id of it. */

import { type Fields, get } from "./api";

export interface Suggestion {
  value: string;
  /** What a person calls it, where the value is an id. */
  label?: string;
}

type Source = (ids: Record<string, string>) => Promise<Suggestion[]>;

const MOST = 500;

/** The items of one kind in a division's list. */
function items(list: string, kind: string, value: string, label?: (one: Fields) => string): Source {
  return async ({ division_id }) => {
    if (!division_id) return [];
    const answer = await get(`/api/divisions/${division_id}/${list}?limit=${MOST}`);
    const found = (answer[list] as Fields[]).filter((one) => one.kind === kind);
    return found.toReversed().map((one) => ({ value: String(one[value]), ...(label && { label: label(one) }) }));
  };
}

const checks: Source = async ({ division_id }) =>
  ((await get(`/api/divisions/${division_id}/monitoring/checks?limit=${MOST}`)).checks as Fields[]).map((one) => ({ value: one.check_id, label: one.name }));

const incidents: Source = async ({ division_id }) =>
  ((await get(`/api/divisions/${division_id}/monitoring?limit=1`)).open_incidents as Fields[]).map((one) => ({ value: one.incident_id, label: `${one.severity}: ${one.title}` }));

const models: Source = async () => ((await get("/api/llm/models")).models as Fields[]).map((one) => ({ value: one.id ?? one.name }));

const proposed = (one: Fields) => `${one.model}, ${new Date(one.recorded_at).toLocaleTimeString()}`;
const deskName = items("plans", "desk", "desk_name");

/** By the command's path, as it ends, and by the field. */
const SOURCES: Record<string, Record<string, Source>> = {
  "design/event": { aggregate_name: items("designs", "aggregate", "aggregate_name") },
  "design/accept": { proposal_id: items("designs", "proposal", "proposal_id", proposed) },
  "plan/accept": { proposal_id: items("plans", "proposal", "proposal_id", proposed) },
  "plan/desk": { aggregate_name: items("designs", "aggregate", "aggregate_name") },
  "plan/dependency": { from_desk: deskName, to_desk: deskName },
  "generate/desk": { desk_name: deskName, desk_id: items("plans", "desk", "desk_id", (one) => one.desk_name) },
  "deploy/rollback": { version: items("deployments", "release", "version") },
  "monitor/status": { check_id: checks },
  "monitor/retire": { check_id: checks },
  "monitor/objective": { check_id: checks },
  "monitor/close": { incident_id: incidents },
  "rescue/diagnose": { incident_id: incidents },
  "rescue/fix": { incident_id: incidents, diagnosis_id: items("rescues", "diagnosis", "diagnosis_id", (one) => one.root_cause || one.diagnosis) },
};

/** Return what is offered for a field of the command at *template*; nothing, if nothing is known. */
export async function suggestionsFor(template: string, field: string, ids: Record<string, string>): Promise<Suggestion[]> {
  const source = field === "model" ? models : SOURCES[template.split("/").slice(-2).join("/")]?.[field];
  if (!source) return [];
  try {
    return await source(ids);
  } catch {
    // They are a convenience: a form works without, and what is wrong is said when it is sent.
    return [];
  }
}
