import { useState } from "preact/hooks";

import type { Fields } from "./api";
import { Actions, CommandButton } from "./commands";
import { useFetched } from "./hooks";
import { type Column, Dialog, Empty, Loaded, Section, Table, Time, Title, Word } from "./parts";
import { ProposedDivisions } from "./proposals";

export const PROCESSES = ["design", "plan", "generate", "test", "deploy", "monitor", "rescue"] as const;

export const SIGNS: Record<string, string> = { pending: "·", active: "▶", paused: "‖", completed: "✓", archived: "✗" };
const INCIDENTS = "with incidents";
const MOST_VENTURES = 500;

export function Ventures() {
  const [after, setAfter] = useState<string[]>([]);
  const fetched = useFetched(`/api/ventures?limit=${MOST_VENTURES}${after.length ? `&after=${after.at(-1)}` : ""}`, (event) => event.type.startsWith("venture_"));
  const setUp = (
    <CommandButton
      target={{ template: "/api/ventures", ids: {}, name: "Set up a venture", onDone: (answer) => (location.hash = `#/venture/${answer.id}`) }}
    />
  );
  const columns: Column<Fields>[] = [
    { head: "Venture", cell: (venture) => <a href={`#/venture/${venture.id}`}>{venture.name}</a> },
    { head: "Brief", cell: (venture) => venture.brief },
    { head: "State", cell: (venture) => <Word>{venture.status_label}</Word> },
    { head: "Since", cell: (venture) => <Time at={venture.setup_at} /> },
  ];
  return (
    <>
      <Title name="Ventures">{setUp}</Title>
      <Loaded from={fetched}>
        {({ ventures, next }) => (
          <>
            {ventures.length ? (
              <section class="card" aria-label="All ventures"><Table caption="Ventures" columns={columns} rows={ventures as Fields[]} keyOf={(venture) => venture.id} /></section>
            ) : (
              <Empty>There is no venture yet. A venture is an application to be: set one up, and discover its divisions.</Empty>
            )}
            <div class="row">
              {after.length > 0 && <button type="button" onClick={() => setAfter(after.slice(0, -1))}>Previous ventures</button>}
              {next && <button type="button" onClick={() => setAfter([...after, next])}>Next ventures</button>}
            </div>
          </>
        )}
      </Loaded>
    </>
  );
}

export function Board({ id }: { id: string }) {
  const concerns = (event: { venture_id?: string }) => event.venture_id === id;
  const board = useFetched(`/api/ventures/${id}/board`, concerns);
  const venture = useFetched(`/api/ventures/${id}`, concerns);
  const discovery = useFetched(`/api/ventures/${id}/divisions?limit=1`, concerns);
  const [chosen, setChosen] = useState<Fields | null>(null);
  const name = board.value?.name ?? "Board";
  return (
    <>
      <p class="back"><a href="#/">All ventures</a></p>
      <Title name={name}>{venture.value && <Actions base="/api/ventures/{venture_id}" ids={{ venture_id: id }} of={name} actions={venture.value.venture.available_actions} />}</Title>
      <Loaded from={board}>
        {({ summary, divisions }) => (
          <>
            <dl class="figures">
              <div><dt>Divisions</dt><dd>{summary.divisions}</dd></div>
              <div><dt>Open incidents</dt><dd>{summary.open_incidents}</dd></div>
              <div><dt>Live releases</dt><dd>{summary.live_releases}</dd></div>
              {Object.entries<number>(summary.health).map(([health, count]) => <div key={health}><dt>{health}</dt><dd>{count}</dd></div>)}
            </dl>
            <Section name="Divisions" beside={discovery.value?.process && <>discovery <Word>{discovery.value.process.state}</Word><Actions base="/api/ventures/{venture_id}/discovery" ids={{ venture_id: id }} of="discovery" actions={discovery.value.process.available_actions} /></>}>
              {divisions.length ? <Divisions divisions={divisions} onChoose={setChosen} /> : <Empty>No division is discovered yet: start discovery, then discover one, or let a model propose some.</Empty>}
            </Section>
          </>
        )}
      </Loaded>
      <ProposedDivisions venture={id} mayDiscover={discovery.value?.process?.available_actions.includes("discover") ?? false} />
      {chosen && <Dialog name={`Commands of ${chosen.name}`} onClose={() => setChosen(null)}><DivisionCommands id={chosen.division_id} /></Dialog>}
    </>
  );
}

/** The divisions, chosen by name, by the process that they are at, or by whether they have incidents. */
function Divisions({ divisions, onChoose }: { divisions: Fields[]; onChoose: (division: Fields) => void }) {
  const [sought, setSought] = useState("");
  const [at, setAt] = useState("");
  const nowOf = (division: Fields) => division.process.replace("_division", "");
  const choices: [string, number][] = [
    ["", divisions.length],
    ...PROCESSES.map((process): [string, number] => [process, divisions.filter((division) => nowOf(division) === process).length]),
    [INCIDENTS, divisions.filter((division) => division.open_incident_count).length],
  ];
  const shown = divisions.filter((division) => division.name.includes(sought) && (!at || (at === INCIDENTS ? division.open_incident_count : nowOf(division) === at)));
  const columns: Column<Fields>[] = [
    { head: "Division", cell: (division) => <a href={`#/division/${division.division_id}`}>{division.name}</a> },
    { head: "Now", cell: (division) => <span class="pair">{nowOf(division)} <Word>{division.state}</Word></span> },
    { head: "Processes", headed: <><span class="unheaded">Processes</span><span class="cycle heads" aria-hidden="true">{PROCESSES.map((process) => <span key={process}>{process}</span>)}</span></>, cell: (division) => <Cycle processes={division.processes} /> },
    { head: "Health", cell: (division) => <Word>{division.health}</Word> },
    { head: "Open incidents", cell: incidentsOf },
    { head: "Last test", cell: (division) => division.last_test && <span class="pair"><Word>{division.last_test.outcome}</Word> {division.last_test.passed}/{division.last_test.total}</span> },
    { head: "Live", cell: (division) => division.live_release?.version },
    { head: "Commands", cell: (division) => <button type="button" aria-haspopup="dialog" onClick={() => onChoose(division)}>Commands<span class="unseen"> of {division.name}</span></button> },
  ];
  return (
    <>
      {divisions.length > 1 && (
        <div class="row">
          <div class="row choices" role="group" aria-label="Which divisions">
            {choices.filter(([which, count]) => !which || count).map(([which, count]) => (
              <button key={which} type="button" aria-pressed={at === which} onClick={() => setAt(which)}>{which || "all"} <span class="dim">{count}</span></button>
            ))}
          </div>
          <label>Find <input type="search" value={sought} onInput={(event) => setSought(event.currentTarget.value)} /></label>
        </div>
      )}
      {shown.length ? <Table isWide caption="Divisions" columns={columns} rows={shown} keyOf={(division) => division.division_id} /> : <Empty>No division is like that: choose others above.</Empty>}
      <p class="legend">{Object.entries(SIGNS).map(([state, sign]) => `${sign} ${state}`).join(", ")}</p>
    </>
  );
}

function incidentsOf(division: Fields) {
  const worst = division.open_incidents[0];
  return worst && <><Word>{worst.severity}</Word> {worst.title}{division.open_incident_count > 1 && ` and ${division.open_incident_count - 1} more`}</>;
}

function Cycle({ processes }: { processes: Record<string, { state: string }> }) {
  return (
    <span class="cycle">
      {PROCESSES.map((process) => {
        const state = processes[`${process}_division`]?.state ?? "pending";
        return <span key={process} class={state} title={`${process}: ${state}`}><span aria-hidden="true">{SIGNS[state]}</span><span class="unseen">{process} {state}; </span></span>;
      })}
    </span>
  );
}

function DivisionCommands({ id }: { id: string }) {
  const fetched = useFetched(`/api/divisions/${id}`, (event) => event.stream.endsWith(id));
  return (
    <Loaded from={fetched}>
      {({ division }) =>
        PROCESSES.map((process) => {
          const stands = division.processes[`${process}_division`];
          return (
            <div key={process} class="process">
              <h3>{process} <Word>{stands.state}</Word></h3>
              <Actions base={`/api/divisions/{division_id}/${process}`} ids={{ division_id: id }} of={process} actions={stands.available_actions} />
            </div>
          );
        })
      }
    </Loaded>
  );
}
