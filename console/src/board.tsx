import { useState } from "preact/hooks";

import type { Fields } from "./api";
import { Actions, CommandButton } from "./commands";
import { useFetched } from "./hooks";
import { type Column, Dialog, Empty, Loaded, Section, Table, Time, Title, Word } from "./parts";
import { ProposedDivisions } from "./proposals";

export const PROCESSES = ["design", "plan", "generate", "test", "deploy", "monitor", "rescue"] as const;

const SIGNS: Record<string, string> = { pending: "·", active: "▶", paused: "‖", completed: "✓", archived: "✗" };
const MOST_VENTURES = 500;

export function Ventures() {
  const fetched = useFetched(`/api/ventures?limit=${MOST_VENTURES}`, (event) => event.type.startsWith("venture_"));
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
        {({ ventures }) =>
          ventures.length ? (
            <Table caption="Ventures" columns={columns} rows={ventures as Fields[]} keyOf={(venture) => venture.id} />
          ) : (
            <Empty>There is no venture yet. A venture is an application to be: set one up, and discover its divisions.</Empty>
          )
        }
      </Loaded>
    </>
  );
}

export function Board({ id }: { id: string }) {
  const concerns = (event: { venture_id?: string }) => event.venture_id === id;
  const board = useFetched(`/api/ventures/${id}/board`, concerns);
  const venture = useFetched(`/api/ventures/${id}`, concerns);
  const discovery = useFetched(`/api/ventures/${id}/divisions?limit=1`, concerns);
  const [sought, setSought] = useState("");
  const [chosen, setChosen] = useState<Fields | null>(null);
  const name = board.value?.name ?? "Board";
  const columns: Column<Fields>[] = [
    { head: "Division", cell: (division) => <a href={`#/division/${division.division_id}`}>{division.name}</a> },
    { head: "Now", cell: (division) => <>{division.process.replace("_division", "")} <Word>{division.state}</Word></> },
    { head: "Processes", cell: (division) => <Cycle processes={division.processes} /> },
    { head: "Health", cell: (division) => <Word>{division.health}</Word> },
    { head: "Open incidents", cell: incidentsOf },
    { head: "Last test", cell: (division) => division.last_test && <><Word>{division.last_test.outcome}</Word> {division.last_test.passed}/{division.last_test.total}</> },
    { head: "Live", cell: (division) => division.live_release?.version },
    { head: "Commands", cell: (division) => <button type="button" aria-haspopup="dialog" onClick={() => setChosen(division)}>Commands<span class="unseen"> of {division.name}</span></button> },
  ];
  return (
    <>
      <p><a href="#/">All ventures</a></p>
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
              {divisions.length > 10 && <label class="row">Find <input type="search" value={sought} onInput={(event) => setSought(event.currentTarget.value)} /></label>}
              {divisions.length ? (
                <Table caption="Divisions" columns={columns} rows={divisions.filter((division: Fields) => division.name.includes(sought))} keyOf={(division) => division.division_id} />
              ) : (
                <Empty>No division is discovered yet: start discovery, then discover one, or let a model propose some.</Empty>
              )}
              {divisions.length > 0 && <p class="legend">{Object.entries(SIGNS).map(([state, sign]) => `${sign} ${state}`).join(", ")}; {PROCESSES.join(", ")}</p>}
            </Section>
          </>
        )}
      </Loaded>
      <ProposedDivisions venture={id} mayDiscover={discovery.value?.process?.available_actions.includes("discover") ?? false} />
      {chosen && <Dialog name={`Commands of ${chosen.name}`} onClose={() => setChosen(null)}><DivisionCommands id={chosen.division_id} /></Dialog>}
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
