/** What models have proposed: nothing is made of it before somebody picks it. */

import type { ComponentChildren } from "preact";

import type { Fields } from "./api";
import { CommandButton } from "./commands";
import { useFetched } from "./hooks";
import { Problem, Section, Time } from "./parts";

interface Offered {
  name: string;
  description: string;
  /** What picks this one alone. */
  pick?: ComponentChildren;
}

function Proposal({ given, offered, pick }: { given: Fields; offered: Offered[]; pick?: ComponentChildren }) {
  return (
    <article class="process" aria-label={`Proposal of ${given.recorded_at}`}>
      <h3>{given.model} <Time at={given.recorded_at} /></h3>
      {given.hint && <p class="dim">Hint: {given.hint}</p>}
      <ul>{offered.map((one) => <li key={one.name}><b>{one.name}</b> {one.description} {one.pick}</li>)}</ul>
      <p class="dim">{given.prompt_tokens} tokens in, {given.completion_tokens} out{given.cost_usd != null && `, $${given.cost_usd}`}</p>
      {pick}
    </article>
  );
}

/** The proposals among what a division's design or plan has recorded, the newest first. */
export function ProposalsOf({ id, process, items, now }: { id: string; process: "design" | "plan"; items: Fields[]; now: Fields | null }) {
  const proposals = items.filter((one) => one.kind === "proposal").toReversed();
  if (!proposals.length) return null;
  const mayAccept = now?.process.available_actions.includes("accept");
  return (
    <Section name="Proposals">
      {proposals.map((given) => (
        <Proposal
          key={given.proposal_id}
          given={given}
          offered={[...(given.aggregates ?? []), ...(given.events ?? []), ...(given.desks ?? [])].map((one: Fields) => ({
            name: one.event_name ?? one.desk_name ?? one.aggregate_name,
            description: [one.event_name && one.aggregate_name && `of ${one.aggregate_name}`, one.description].filter(Boolean).join(": "),
          }))}
          pick={mayAccept && <CommandButton target={{ template: `/api/divisions/{division_id}/${process}/accept`, ids: { division_id: id }, name: "Accept", preset: { proposal_id: given.proposal_id } }} of={`proposal of ${given.model}`} />}
        />
      ))}
    </Section>
  );
}

/** The divisions that were proposed for a venture. */
export function ProposedDivisions({ venture, mayDiscover }: { venture: string; mayDiscover: boolean }) {
  const fetched = useFetched(`/api/ventures/${venture}/discovery/proposals?limit=500`, (event) => event.stream.endsWith(venture));
  const proposals: Fields[] = (fetched.value?.proposals ?? []).toReversed();
  if (!proposals.length) return <Problem error={fetched.error} />;
  return (
    <Section name="Proposals">
      {proposals.map((given) => (
        <Proposal
          key={given.proposal_id}
          given={given}
          offered={given.divisions.map((one: Fields) => ({
            name: one.name,
            description: one.description,
            pick: one.division_id ? (
              <a href={`#/division/${one.division_id}`}>discovered</a>
            ) : (
              mayDiscover && (
                <CommandButton
                  target={{ template: "/api/ventures/{venture_id}/discovery/discover", ids: { venture_id: venture }, name: "Discover", preset: { division_name: one.name, proposal_id: given.proposal_id } }}
                  of={one.name}
                />
              )
            ),
          }))}
        />
      ))}
    </Section>
  );
}
