import { Moment, concerning, useFetched } from "./hooks";
import { PROCESSES, SIGNS } from "./board";
import { Actions } from "./commands";
import { Design, Plan } from "./designing";
import { Generated } from "./generated";
import { Past, placeOf, useStatesAt } from "./moment";
import { Monitoring } from "./monitoring";
import { Empty, Loaded, Title, Word } from "./parts";
import { Releases } from "./releases";
import { Rescue } from "./rescue";
import { Tests } from "./tests";
import { Timeline } from "./timeline";

const PARTS: Record<string, (props: { id: string }) => preact.JSX.Element> = {
  design: Design,
  plan: Plan,
  generate: Generated,
  test: Tests,
  deploy: Releases,
  monitor: Monitoring,
  rescue: Rescue,
};

export function Division({ id, part, at }: { id: string; part: string; at: number | null }) {
  const fetched = useFetched(`/api/divisions/${id}`, concerning(id));
  const then = useStatesAt(id, at);
  return (
    <Loaded from={fetched}>
      {({ division }) => {
        const shown = part || division.process.replace("_division", "");
        const Part = PARTS[shown];
        const stands = division.processes[`${shown}_division`];
        const stateOf = (name: string) => (at === null ? division.processes[`${name}_division`]?.state : then?.[name]);
        return (
          <Moment.Provider value={at}>
            <p class="back"><a href={`#/venture/${division.venture_id}`}>The venture's board</a></p>
            <Title name={`${division.name}: ${shown}`}>{at === null && <span>health <Word>{division.health}</Word></span>}</Title>
            {division.description && <p class="dim">{division.description}</p>}
            {at !== null && <Past venture={division.venture_id} id={id} part={shown} at={at} />}
            <nav class="sub" aria-label={`Processes of ${division.name}`}>
              {[...PROCESSES, "timeline"].map((name) => {
                const state = stateOf(name);
                return (
                  <a key={name} href={placeOf(id, name, at)} aria-label={name} title={state && `${name}: ${state}`} aria-current={name === shown ? "page" : undefined}>
                    {name} {state && <span class="sign" aria-hidden="true">{SIGNS[state]}</span>}
                  </a>
                );
              })}
            </nav>
            {stands && (
              <section class="card row" aria-label={`The process ${shown}`}>
                {stateOf(shown) && <Word>{stateOf(shown)}</Word>}
                {at === null ? (
                  <>
                    {stands.iteration > 1 && <span class="dim">iteration {stands.iteration}</span>}
                    {stands.pause_reason && <span>{stands.pause_reason}</span>}
                    <Actions base={`/api/divisions/{division_id}/${shown}`} ids={{ division_id: id }} of={shown} actions={stands.available_actions} />
                  </>
                ) : (
                  <span class="dim">Commands are of now.</span>
                )}
              </section>
            )}
            {Part ? <Part id={id} /> : shown === "timeline" ? <Timeline venture={division.venture_id} division={id} /> : <Empty>There is no such process.</Empty>}
          </Moment.Provider>
        );
      }}
    </Loaded>
  );
}
