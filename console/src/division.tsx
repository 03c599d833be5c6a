import { useState } from "preact/hooks";

import type { Fields } from "./api";
import { PROCESSES } from "./board";
import { Actions, CommandButton } from "./commands";
import { useFetched, useItems } from "./hooks";
import type { Happening } from "./live";
import { Monitoring, Rescue } from "./monitoring";
import { type Column, Empty, Loaded, Problem, Section, Table, Time, Title, Word } from "./parts";
import { DeskGraph } from "./plots";
import { ProposalsOf } from "./proposals";
import { Timeline } from "./timeline";

interface PartProps {
  id: string;
}

const PARTS: Record<string, (props: PartProps) => preact.JSX.Element> = {
  design: Design,
  plan: Plan,
  generate: Generated,
  test: Tests,
  deploy: Releases,
  monitor: Monitoring,
  rescue: Rescue,
};

export function Division({ id, part }: { id: string; part: string }) {
  const fetched = useFetched(`/api/divisions/${id}`, concerning(id));
  return (
    <Loaded from={fetched}>
      {({ division }) => {
        const shown = part || division.process.replace("_division", "");
        const Part = PARTS[shown];
        const stands = division.processes[`${shown}_division`];
        return (
          <>
            <p><a href={`#/venture/${division.venture_id}`}>The venture's board</a></p>
            <Title name={`${division.name}: ${shown}`}><span>health <Word>{division.health}</Word></span></Title>
            {division.description && <p class="dim">{division.description}</p>}
            <nav class="sub" aria-label={`Processes of ${division.name}`}>
              {[...PROCESSES, "timeline"].map((name) => <a key={name} href={`#/division/${id}/${name}`} aria-current={name === shown ? "page" : undefined}>{name}</a>)}
            </nav>
            {stands && (
              <section class="card row" aria-label={`The process ${shown}`}>
                <Word>{stands.state}</Word>
                {stands.pause_reason && <span>{stands.pause_reason}</span>}
                <Actions base={`/api/divisions/{division_id}/${shown}`} ids={{ division_id: id }} of={shown} actions={stands.available_actions} />
              </section>
            )}
            {Part ? <Part id={id} /> : shown === "timeline" ? <Timeline venture={division.venture_id} division={id} /> : <Empty>There is no such process.</Empty>}
          </>
        );
      }}
    </Loaded>
  );
}

export function concerning(id: string): (event: Happening) => boolean {
  return (event) => event.stream.endsWith(id);
}

function Design({ id }: PartProps) {
  const { items, now, error } = useItems(`/api/divisions/${id}/designs`, "designs", concerning(id));
  const aggregates = items.filter((one) => one.kind === "aggregate");
  const events = items.filter((one) => one.kind === "event");
  const columns: Column<Fields>[] = [
    { head: "Aggregate", cell: (one) => one.aggregate_name },
    { head: "Events", cell: (one) => events.filter((event) => event.aggregate_name === one.aggregate_name).map((event) => event.event_name).join(", ") },
    { head: "Flags", cell: (one) => one.status_flags?.join(", ") },
    { head: "Description", cell: (one) => one.description },
  ];
  const eventColumns: Column<Fields>[] = [
    { head: "Event", cell: (one) => one.event_name },
    { head: "Aggregate", cell: (one) => one.aggregate_name },
    { head: "Payload", cell: (one) => one.payload_fields.join(", ") },
    { head: "Description", cell: (one) => one.description },
  ];
  return (
    <>
      <Problem error={error} />
      <Section name="Aggregates">{aggregates.length ? <Table caption="Aggregates" columns={columns} rows={aggregates} keyOf={(one) => one.position} /> : now && <Empty>No aggregate is designed yet: start the design, then design an aggregate, or let a model propose some.</Empty>}</Section>
      <Section name="Events designed">{events.length ? <Table caption="Events designed" columns={eventColumns} rows={events} keyOf={(one) => one.position} /> : now && <Empty>No event is designed yet.</Empty>}</Section>
      <ProposalsOf id={id} process="design" items={items} now={now} />
    </>
  );
}

function Plan({ id }: PartProps) {
  const graph = useFetched(`/api/divisions/${id}/graph`, concerning(id));
  const { items, now } = useItems(`/api/divisions/${id}/plans`, "plans", concerning(id));
  return (
    <>
      <Section name="Desks">
        <Loaded from={graph}>
          {({ nodes, edges }) => {
            const columns: Column<Fields>[] = [
              { head: "Desk", cell: (one) => one.desk_name },
              { head: "Type", cell: (one) => one.desk_type },
              { head: "Aggregate", cell: (one) => one.aggregate_name },
              { head: "Priority", cell: (one) => one.priority },
              { head: "Needs", cell: (one) => edges.filter((edge: Fields) => edge.from_desk_id === one.desk_id).map((edge: Fields) => edge.to_desk).join(", ") },
              { head: "Sprint", cell: (one) => one.sprint_number, number: true },
            ];
            return nodes.length ? (
              <>
                <DeskGraph nodes={nodes} edges={edges} />
                <Table caption="Desks" columns={columns} rows={nodes as Fields[]} keyOf={(one) => one.desk_id} />
              </>
            ) : (
              <Empty>No desk is planned yet: start the plan, then add a desk, or let a model propose some.</Empty>
            );
          }}
        </Loaded>
      </Section>
      <ProposalsOf id={id} process="plan" items={items} now={now} />
    </>
  );
}

function Generated({ id }: PartProps) {
  const { items, now, error } = useItems(`/api/divisions/${id}/generations`, "generations", concerning(id));
  const newest = items.filter((one) => one.files).toReversed();
  return (
    <Section name="Generated files">
      <Problem error={error} />
      {newest.length
        ? newest.slice(0, 100).map((one, place) => (
            <details key={one.position} open={place === 0}>
              <summary>
                {one.desk_name ? `Desk ${one.desk_name}` : `Skeleton of ${one.project}`}: {one.files.length} files <Time at={one.recorded_at} /> {one.commit && <code>{one.commit.slice(0, 10)}</code>}
              </summary>
              {one.conflicts?.length > 0 && <p class="problem">Left as they were, since somebody has changed them: {one.conflicts.join(", ")}</p>}
              <Table
                caption={`Files of ${one.desk_name ?? one.project}`}
                columns={[
                  { head: "File", cell: (file: Fields) => <code>{file.path}</code> },
                  { head: "Bytes", cell: (file: Fields) => file.bytes, number: true },
                  { head: "SHA-256", cell: (file: Fields) => <code>{file.sha256.slice(0, 12)}</code> },
                ]}
                rows={one.files as Fields[]}
                keyOf={(file) => file.path}
              />
            </details>
          ))
        : now && <Empty>Nothing is generated yet: start generating, then the skeleton, then a desk.</Empty>}
    </Section>
  );
}

function Tests({ id }: PartProps) {
  const { items, now, error } = useItems(`/api/divisions/${id}/tests`, "tests", concerning(id));
  const [chosen, setChosen] = useState<number | null>(null);
  const runs = items.filter((one) => one.kind !== "suite_start").toReversed();
  const shown = runs.find((one) => one.position === chosen) ?? runs[0];
  const columns: Column<Fields>[] = [
    { head: "Suite", cell: (one) => <button type="button" aria-pressed={one === shown} onClick={() => setChosen(one.position)}>{one.suite_type}<span class="unseen"> at {one.recorded_at}</span></button> },
    { head: "Outcome", cell: (one) => one.outcome ? <Word>{one.outcome}</Word> : <Word>{one.failed ? "failed" : "passed"}</Word> },
    { head: "Passed", cell: (one) => one.passed, number: true },
    { head: "Failed", cell: (one) => one.failed + (one.errors ?? 0), number: true },
    { head: "Coverage", cell: (one) => (one.coverage == null ? "" : `${one.coverage} %`), number: true },
    { head: "Took", cell: (one) => (one.duration_seconds == null ? "" : `${one.duration_seconds.toFixed(1)} s`), number: true },
    { head: "At", cell: (one) => <Time at={one.recorded_at} /> },
  ];
  return (
    <>
      <Section name="Test runs" beside={now && <>gate <Word>{now.gate}</Word></>}>
        <Problem error={error} />
        {runs.length ? <Table caption="Test runs, the newest first" columns={columns} rows={runs} keyOf={(one) => one.position} /> : now && <Empty>No test has run yet: start testing, then run a suite.</Empty>}
      </Section>
      {shown && (
        <Section name="Failures of the run">
          {shown.reason && <p>{shown.reason}</p>}
          {shown.flaky?.length > 0 && <p>Passed only when run again: {shown.flaky.join(", ")}</p>}
          {shown.failures?.length ? (
            shown.failures.map((one: Fields) => (
              <details key={`${one.file}${one.name}`} open>
                <summary><b>{one.name}</b> {one.file && <code>{one.file}{one.line ? `:${one.line}` : ""}</code>}</summary>
                <pre tabIndex={0}>{one.message}</pre>
              </details>
            ))
          ) : (
            <Empty>{shown.outcome && shown.outcome !== "passed" ? "No single test is said to have failed; the job's output says more." : "This run has no failures that were recorded one by one."}</Empty>
          )}
        </Section>
      )}
    </>
  );
}

function Releases({ id }: PartProps) {
  const { items, now, error } = useItems(`/api/divisions/${id}/deployments`, "deployments", concerning(id));
  const service = useFetched(`/api/divisions/${id}/service`, concerning(id), 5000);
  const live = now?.live?.version;
  const canRollBack = now?.process?.available_actions?.includes("rollback");
  const deployed = new Set(items.filter((one) => one.kind === "release").map((one) => one.version));
  const columns: Column<Fields>[] = [
    { head: "Version", cell: (one) => one.version ?? one.to_version },
    { head: "What", cell: (one) => one.kind.replaceAll("_", " ") },
    { head: "Target", cell: (one) => one.target },
    { head: "Commit", cell: (one) => one.commit && <code>{one.commit.slice(0, 10)}</code> },
    { head: "Built", cell: (one) => one.artifacts?.map((file: Fields) => file.name).join(", ") },
    { head: "Reason", cell: (one) => one.reason },
    { head: "At", cell: (one) => <Time at={one.recorded_at} /> },
    {
      head: "Back",
      cell: (one) =>
        one.kind === "release" && one.version === live ? <Word>live</Word>
        : one.kind === "release" && canRollBack && deployed.has(one.version) && (
          <CommandButton target={{ template: "/api/divisions/{division_id}/deploy/rollback", ids: { division_id: id }, name: "Roll back", preset: { version: one.version } }} of={one.version} />
        ),
    },
  ];
  const running = service.value?.service;
  const releases = items.filter((one) => one.kind !== "release_start").toReversed();
  return (
    <>
      {running && running.state !== "stopped" && (
        <Section name="Application">
          <dl class="figures">
            <div><dt>State</dt><dd><Word>{running.state}</Word></dd></div>
            {running.version && <div><dt>Version</dt><dd>{running.version}</dd></div>}
            {running.url && <div><dt>Address</dt><dd>{running.url}</dd></div>}
            <div><dt>Restarts</dt><dd>{running.restarts}</dd></div>
          </dl>
          {running.error && <p class="problem">{running.error}</p>}
        </Section>
      )}
      <Section name="Releases">
        <Problem error={error} />
        {releases.length ? <Table caption="Releases, the newest first" columns={columns} rows={releases} keyOf={(one) => one.position} /> : now && <Empty>Nothing is released yet: start deploying, then release a version.</Empty>}
      </Section>
    </>
  );
}
