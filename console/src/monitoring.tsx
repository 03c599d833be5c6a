import { useState } from "preact/hooks";

import type { Fields } from "./api";
import { CommandButton } from "./commands";
import { concerning } from "./division";
import { useFetched, useItems } from "./hooks";
import { type Column, Empty, Loaded, Problem, Section, Table, Time, Word } from "./parts";
import { LatencyPlot, type Sample } from "./plots";

/** Polls are no events, so they are asked for. */
const POLL_MS = 5000;
const WINDOW = "24h";

function command(id: string, action: string, name: string, preset: Record<string, string>, of: string) {
  return <CommandButton target={{ template: `/api/divisions/{division_id}/${action}`, ids: { division_id: id }, name, preset }} of={of} />;
}

export function Monitoring({ id }: { id: string }) {
  const now = useFetched(`/api/divisions/${id}/monitoring?limit=1`, concerning(id), POLL_MS);
  const [page, setPage] = useState<number[]>([]);
  const after = page.at(-1);
  const checks = useFetched(`/api/divisions/${id}/monitoring/checks?limit=20${after ? `&after=${after}` : ""}`, concerning(id), POLL_MS);
  return (
    <>
      <Loaded from={now}>
        {({ statuses, open_incidents, error_budget, figures, process }) => (
          <>
            <dl class="figures">
              {Object.entries<number>(statuses).filter(([, count]) => count).map(([status, count]) => <div key={status}><dt>{status}</dt><dd>{count}</dd></div>)}
              {figures && <div><dt>Availability, {WINDOW}</dt><dd>{percent(figures[WINDOW].availability_percent)}</dd></div>}
            </dl>
            {error_budget && <Budget budget={error_budget} />}
            <Section name="Open incidents">
              {open_incidents.length ? <Incidents id={id} incidents={open_incidents} actions={process.available_actions} /> : <Empty>Nothing is wrong that anybody knows of.</Empty>}
            </Section>
          </>
        )}
      </Loaded>
      <Section name="Checks">
        <Loaded from={checks}>
          {({ checks: all, next }) => (
            <>
              {all.length ? all.map((check: Fields) => <Check key={check.check_id} id={id} check={check} />) : <Empty>Nothing is polled yet: start monitoring, then register a check.</Empty>}
              <div class="row">
                {after && <button type="button" onClick={() => setPage(page.slice(0, -1))}>Previous checks</button>}
                {next && <button type="button" onClick={() => setPage([...page, next])}>Next checks</button>}
              </div>
            </>
          )}
        </Loaded>
      </Section>
    </>
  );
}

function Budget({ budget }: { budget: Fields }) {
  const left = Math.max(0, Math.min(100, budget.remaining_percent ?? 100));
  return (
    <p>
      <label>Error budget of {budget.window}, objective {budget.availability_percent} %: <progress max={100} value={left} /></label>{" "}
      {budget.failures} of {budget.allowed_failures} failures, {budget.remaining_percent < 0 ? <Word>overspent</Word> : `${left.toFixed(1)} % left`}
    </p>
  );
}

function Check({ id, check }: { id: string; check: Fields }) {
  const samples = useFetched(`/api/divisions/${id}/monitoring/samples?check_id=${check.check_id}&limit=300`, null, POLL_MS);
  const figures = check.figures[WINDOW];
  return (
    <article class="process" aria-label={`Check ${check.name}`}>
      <div class="title">
        <h3>{check.name} <Word>{check.status}</Word></h3>
        {command(id, "monitor/retire", "Retire", { check_id: check.check_id }, check.name)}
      </div>
      <p class="dim">{check.type} {check.target} every {check.interval_seconds} s{check.message && `: ${check.message}`}</p>
      <dl class="figures">
        <div><dt>Polls, {WINDOW}</dt><dd>{figures.polls}</dd></div>
        <div><dt>Availability</dt><dd>{percent(figures.availability_percent)}</dd></div>
        {["p50", "p95", "p99"].map((one) => figures[`latency_${one}_ms`] != null && <div key={one}><dt>{one}</dt><dd>{figures[`latency_${one}_ms`]} ms</dd></div>)}
      </dl>
      {check.error_budget && <Budget budget={check.error_budget} />}
      {samples.value?.samples.length > 1 && <LatencyPlot name={check.name} samples={samples.value?.samples as Sample[]} />}
      <Problem error={samples.error} />
    </article>
  );
}

function Incidents({ id, incidents, actions }: { id: string; incidents: Fields[]; actions: string[] }) {
  const columns: Column<Fields>[] = [
    { head: "Incident", cell: (one) => one.title },
    { head: "Severity", cell: (one) => <Word>{one.severity}</Word> },
    { head: "Description", cell: (one) => one.description },
    { head: "Since", cell: (one) => <Time at={one.raised_at} /> },
    {
      head: "Commands",
      cell: (one) => (
        <span class="row actions">
          {actions.includes("close") && command(id, "monitor/close", "Close", { incident_id: one.incident_id }, one.title)}
          {command(id, "rescue/diagnose", "Diagnose", { incident_id: one.incident_id }, one.title)}
        </span>
      ),
    },
  ];
  return <Table caption="Open incidents" columns={columns} rows={incidents} keyOf={(one) => one.incident_id} />;
}

export function Rescue({ id }: { id: string }) {
  const { items, now, error } = useItems(`/api/divisions/${id}/rescues`, "rescues", concerning(id));
  const newest = items.toReversed();
  return (
    <Section name="Diagnoses and fixes">
      <Problem error={error} />
      {newest.length
        ? newest.slice(0, 200).map((one) => (
            <article key={one.position} class="process" aria-label={`${one.kind} at ${one.recorded_at}`}>
              <h3>{one.kind.replaceAll("_", " ")} <Time at={one.recorded_at} /></h3>
              <p class="prose">{one.diagnosis ?? one.description ?? one.reason}</p>
              <dl class="figures">
                {one.root_cause && <div><dt>Root cause</dt><dd>{one.root_cause}</dd></div>}
                {one.confidence != null && <div><dt>Confidence</dt><dd>{percent(one.confidence * 100)}</dd></div>}
                {one.model && <div><dt>Model</dt><dd>{one.model}</dd></div>}
                {one.cost_usd != null && <div><dt>Cost</dt><dd>${one.cost_usd}</dd></div>}
                {one.commit && <div><dt>Commit</dt><dd><code>{one.commit.slice(0, 10)}</code></dd></div>}
              </dl>
              {one.proposed_fix && <ProposedFix fix={one.proposed_fix} />}
              {one.kind === "diagnosis" && now?.process.available_actions.includes("fix") && command(id, "rescue/fix", "Fix", { incident_id: one.incident_id, diagnosis_id: one.diagnosis_id ?? one.id }, one.incident_id)}
            </article>
          ))
        : now && <Empty>Nothing was diagnosed yet. An incident begins a rescue; diagnose it here, or on the monitor page.</Empty>}
    </Section>
  );
}

function percent(value: number | null): string {
  return value === null || value === undefined ? "unknown" : `${Math.round(value * 100) / 100} %`;
}

function ProposedFix({ fix }: { fix: Fields }) {
  return (
    <>
      {fix.description && <p class="prose">{fix.description}</p>}
      {fix.steps?.length > 0 && <ol>{fix.steps.map((step: string) => <li key={step}>{step}</li>)}</ol>}
      {fix.patch && <pre tabIndex={0} aria-label="Patch">{fix.patch}</pre>}
    </>
  );
}
