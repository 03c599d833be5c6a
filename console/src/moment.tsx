/** A division as it was: the same pages, as of an event of the past. */

import type { Fields } from "./api";
import { useFetched } from "./hooks";
import { Empty, Problem, Time } from "./parts";

/** How the streams and the stored names of each process begin. */
const NOUNS: Record<string, string> = {
  design: "design", plan: "plan", generate: "generation", test: "testing", deploy: "deployment", monitor: "monitoring", rescue: "rescue",
};

const STATES: Record<string, string> = { started: "active", paused: "paused", resumed: "active", completed: "completed", archived: "archived" };
const MOST = 500;

export function placeOf(id: string, part: string, at: number | null): string {
  return `#/division/${id}/${part}${at === null ? "" : `/${at}`}`;
}

/** The state of each process as of an event, folded from the events that change it; null while it is not known. */
export function useStatesAt(id: string, at: number | null): Record<string, string> | null {
  const streams = Object.values(NOUNS).map((noun) => `${noun}-${id}`);
  const types = Object.values(NOUNS).flatMap((noun) => Object.keys(STATES).map((change) => `${noun}_${change}_v1`));
  const path = `/api/events?limit=${MOST}&after=0&stream=${streams.join(",")}&type=${types.join(",")}`;
  const { value } = useFetched(at === null ? null : path, null);
  if (at === null || !value) return null;
  const states: Record<string, string> = Object.fromEntries(Object.keys(NOUNS).map((process) => [process, "pending"]));
  for (const event of value.events as Fields[]) {
    if (event.position > at) break;
    const process = Object.keys(NOUNS).find((name) => event.stream === `${NOUNS[name]}-${id}`);
    if (process) states[process] = STATES[event.type.split("_").at(-2) ?? ""] ?? "pending";
  }
  return states;
}

/** Which moment the page is of, and the ways to others. */
export function Past({ venture, id, part, at }: { venture: string; id: string; part: string; at: number }) {
  const timeline = `/api/ventures/${venture}/timeline?division=${id}`;
  const until = useFetched(`${timeline}&newest_first=true&limit=2&after=${at + 1}`, null);
  const since = useFetched(`${timeline}&limit=1&after=${at}`, null);
  const [shown, earlier] = (until.value?.happenings ?? []) as Fields[];
  const later = since.value?.happenings[0] as Fields | undefined;
  return (
    <section class="card past" aria-label="The moment that is shown">
      <Problem error={until.error ?? since.error} />
      <p aria-live="polite">
        {shown ? <><b>As it was</b> at <Time at={shown.at} />, after event {shown.position}: {shown.sentence}</> : until.value ? <Empty>Then there was no such division yet.</Empty> : "Loading…"}
      </p>
      <div class="row">
        {earlier && <a class="button" href={placeOf(id, part, earlier.position)}>Earlier</a>}
        {later && <a class="button" href={placeOf(id, part, later.position)}>Later</a>}
        <a class="button main" href={placeOf(id, part, null)}>Back to now</a>
      </div>
    </section>
  );
}
