import { useState } from "preact/hooks";

import type { Fields } from "./api";
import { concerning, useItems } from "./hooks";
import { type Column, Empty, Problem, Section, Table, Time, Word } from "./parts";

export function Tests({ id }: { id: string }) {
  const { items, now, isLoaded, error } = useItems(`/api/divisions/${id}/tests`, "tests", concerning(id));
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
        {runs.length ? <Table caption="Test runs, the newest first" columns={columns} rows={runs} keyOf={(one) => one.position} /> : isLoaded && <Empty>No test has run yet: start testing, then run a suite.</Empty>}
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
            <Empty>{shown.outcome && shown.outcome !== "passed" ? <>No single test is said to have failed; the output of the <a href="#/jobs">job</a> says more.</> : "This run has no failures that were recorded one by one."}</Empty>
          )}
        </Section>
      )}
    </>
  );
}
