import { useEffect, useState } from "preact/hooks";

import type { Fields } from "./api";
import { useFetched } from "./hooks";
import { type Column, Empty, Loaded, Section, Table } from "./parts";
import { type Bar, Bars, DayBars } from "./plots";

const POLL_MS = 10_000;

export function dollars(cost: number | null | undefined): string {
  return cost === null || cost === undefined ? "unknown" : `$${cost < 0.01 ? Number(cost.toPrecision(3)) : cost.toFixed(2)}`;
}

const BY = ["day", "model", "venture", "provider"] as const;

/** It is asked for again after each answer of the playground, of which `asked` counts. */
export function Usage({ asked }: { asked: number }) {
  const [by, setBy] = useState<string>("day");
  const fetched = useFetched(`/api/llm/usage?by=${by}`, null, POLL_MS);
  useEffect(() => {
    if (asked) fetched.again();
  }, [asked]);
  const ventures = useFetched(by === "venture" ? "/api/ventures?limit=500" : null, null);
  const names = new Map(((ventures.value?.ventures ?? []) as Fields[]).map((one) => [one.id, one.name]));
  const nameOf = (row: Fields): string => {
    if (by === "venture") return names.get(row.venture_id) ?? row.venture_id ?? "no venture";
    return by === "model" ? `${row.provider}/${row.model}` : row[by] ?? "none";
  };
  const columns: Column<Fields>[] = [
    { head: by.charAt(0).toUpperCase() + by.slice(1), cell: nameOf },
    { head: "Calls", cell: (row) => row.calls, number: true },
    { head: "Errors", cell: (row) => row.errors, number: true },
    { head: "Tokens in", cell: (row) => row.prompt_tokens, number: true },
    { head: "Tokens out", cell: (row) => row.completion_tokens, number: true },
    { head: "Cost", cell: (row) => dollars(row.cost_usd), number: true },
    { head: "First token, p50", cell: (row) => (row.first_token_p50_ms == null ? "" : `${row.first_token_p50_ms} ms`), number: true },
  ];
  return (
    <Section name="Usage" beside={<label>by <select value={by} onChange={(event) => setBy(event.currentTarget.value)}>{BY.map((one) => <option key={one} value={one} selected={one === by}>{one}</option>)}</select></label>}>
      <Loaded from={fetched}>
        {({ rows, total }) =>
          rows.length ? (
            <>
              <div class="two">
                <Plot name="Tokens" by={by} rows={rows.map((row: Fields) => ({ label: nameOf(row), value: row.total_tokens, said: row.total_tokens.toLocaleString() }))} />
                <Plot name="Cost" by={by} rows={rows.map((row: Fields) => ({ label: nameOf(row), value: row.cost_usd ?? 0, said: dollars(row.cost_usd) }))} />
              </div>
              <dl class="figures" aria-label="All of it">
                <div><dt>Calls</dt><dd>{total.calls.toLocaleString()}</dd></div>
                <div><dt>Tokens</dt><dd>{total.total_tokens.toLocaleString()}</dd></div>
                <div><dt>Cost</dt><dd>{dollars(total.cost_usd)}{total.unpriced_calls > 0 && `, and ${total.unpriced_calls} calls of unknown cost`}</dd></div>
              </dl>
              <Table isWide caption={`Usage by ${by}`} columns={columns} rows={rows as Fields[]} keyOf={nameOf} />
            </>
          ) : (
            <Empty>No model was asked yet: ask one in the playground, and what it took is here.</Empty>
          )
        }
      </Loaded>
    </Section>
  );
}

function Plot({ name, by, rows }: { name: string; by: string; rows: Bar[] }) {
  return <div><h3>{name}</h3>{by === "day" ? <DayBars name={`${name} by day`} days={rows} /> : <Bars name={`${name} by ${by}`} rows={rows} />}</div>;
}
