import { useContext, useState } from "preact/hooks";

import type { Fields } from "./api";
import { CommandButton } from "./commands";
import { Moment, concerning, useFetched, useItems } from "./hooks";
import { ClosedIncidents, OpenIncidents } from "./incidents";
import { type Column, Empty, Loaded, Problem, Section, Table, Word, percent } from "./parts";
import { LatencyPlot, type Sample } from "./plots";

/** Polls are no events, so they are asked for. */
const POLL_MS = 5000;
const WINDOW = "24h";
const CHECKS = 20;

export function Monitoring({ id }: { id: string }) {
  const moment = useContext(Moment);
  const { items, now, isLoaded, error } = useItems(`/api/divisions/${id}/monitoring`, "monitoring", concerning(id));
  return (
    <>
      <Problem error={error} />
      {moment === null && <Figures id={id} />}
      {isLoaded && <OpenIncidents id={id} items={items} actions={now && now.process.available_actions} />}
      {moment === null ? <Checks id={id} /> : <ChecksThen items={items} />}
      <ClosedIncidents items={items} />
    </>
  );
}

/** What all checks together come to. */
function Figures({ id }: { id: string }) {
  const fetched = useFetched(`/api/divisions/${id}/monitoring?limit=1`, concerning(id), POLL_MS);
  return (
    <Loaded from={fetched}>
      {({ statuses, error_budget, figures }) => {
        const counts = Object.entries<number>(statuses).filter(([, count]) => count);
        return counts.length > 0 && (
          <section class="card" aria-label="All checks">
            <dl class="figures">
              {counts.map(([status, count]) => <div key={status}><dt>{status}</dt><dd>{count}</dd></div>)}
              {figures && <div><dt>Availability, {WINDOW}</dt><dd>{percent(figures[WINDOW].availability_percent)}</dd></div>}
            </dl>
            {error_budget && <Budget budget={error_budget} />}
          </section>
        );
      }}
    </Loaded>
  );
}

function Checks({ id }: { id: string }) {
  const [page, setPage] = useState<number[]>([]);
  const after = page.at(-1);
  const checks = useFetched(`/api/divisions/${id}/monitoring/checks?limit=${CHECKS}${after ? `&after=${after}` : ""}`, concerning(id), POLL_MS);
  return (
    <Section name="Checks">
      <Loaded from={checks}>
        {({ checks: all, next }) => (
          <>
            {all.length ? <div class="checks">{all.map((check: Fields) => <Check key={check.check_id} id={id} check={check} />)}</div> : <Empty>Nothing is polled yet: start monitoring, then register a check.</Empty>}
            <div class="row">
              {after && <button type="button" onClick={() => setPage(page.slice(0, -1))}>Previous checks</button>}
              {next && <button type="button" onClick={() => setPage([...page, next])}>Next checks</button>}
            </div>
          </>
        )}
      </Loaded>
    </Section>
  );
}

function Budget({ budget }: { budget: Fields }) {
  const left = Math.max(0, Math.min(100, budget.remaining_percent ?? 100));
  const isOverspent = budget.remaining_percent < 0;
  return (
    <p class="budget">
      <label>Error budget of {budget.window}, objective {budget.availability_percent} %: <progress max={100} value={left} class={isOverspent ? "bad" : ""} /></label>{" "}
      {budget.failures} of {budget.allowed_failures} failures, {isOverspent ? <Word>overspent</Word> : `${left.toFixed(1)} % left`}
    </p>
  );
}

function Check({ id, check }: { id: string; check: Fields }) {
  const samples = useFetched(`/api/divisions/${id}/monitoring/samples?check_id=${check.check_id}&limit=300`, null, POLL_MS);
  const figures = check.figures[WINDOW];
  const retire = { template: "/api/divisions/{division_id}/monitor/retire", ids: { division_id: id }, name: "Retire", preset: { check_id: check.check_id } };
  return (
    <article aria-label={`Check ${check.name}`}>
      <div class="title">
        <h3>{check.name} <Word>{check.status}</Word></h3>
        <CommandButton target={retire} of={check.name} />
      </div>
      <p class="dim broken">{check.type} {check.target} every {check.interval_seconds} s{check.message && `: ${check.message}`}</p>
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

/** The checks as of the page's moment, from what was recorded: how single polls went is of now. */
function ChecksThen({ items }: { items: Fields[] }) {
  const gone = new Set(items.filter((one) => one.kind === "retired_check").map((one) => one.check_id));
  const statuses = new Map(items.filter((one) => one.kind === "status").map((one) => [one.check_id, one]));
  const checks = items.filter((one) => one.kind === "check" && !gone.has(one.check_id));
  const columns: Column<Fields>[] = [
    { head: "Check", cell: (one) => one.name },
    { head: "Status", cell: (one) => <Word>{statuses.get(one.check_id)?.status ?? "unknown"}</Word> },
    { head: "Message", cell: (one) => statuses.get(one.check_id)?.message },
    { head: "Polls", cell: (one) => `${one.type} ${one.target}` },
    { head: "Every", cell: (one) => `${one.interval_seconds} s`, number: true },
  ];
  return <Section name="Checks">{checks.length ? <Table caption="Checks" columns={columns} rows={checks} keyOf={(one) => one.check_id} /> : <Empty>Nothing was polled then.</Empty>}</Section>;
}
