import type { Fields } from "./api";
import { CommandButton } from "./commands";
import { took } from "./jobs";
import { type Column, Empty, Section, Table, Time, Word } from "./parts";

const TOLD: Column<Fields>[] = [
  { head: "Incident", cell: (one) => one.title },
  { head: "Severity", cell: (one) => <Word>{one.severity}</Word> },
  { head: "Description", cell: (one) => one.description },
  { head: "Since", cell: (one) => <Time at={one.recorded_at} /> },
];

function endsOf(items: Fields[]): Map<string, Fields> {
  return new Map(items.filter((one) => one.kind === "closed_incident").map((one) => [one.incident_id, one]));
}

/** What is wrong, the worst first; `actions` is null where the page is of the past. */
export function OpenIncidents({ id, items, actions }: { id: string; items: Fields[]; actions: string[] | null }) {
  const ends = endsOf(items);
  const open = items.filter((one) => one.kind === "incident" && !ends.has(one.incident_id)).toSorted((one, other) => one.severity.localeCompare(other.severity));
  const command = (action: string, name: string, one: Fields) => (
    <CommandButton target={{ template: `/api/divisions/{division_id}/${action}`, ids: { division_id: id }, name, preset: { incident_id: one.incident_id } }} of={one.title} />
  );
  const columns: Column<Fields>[] = actions === null ? TOLD : [
    ...TOLD,
    { head: "Commands", cell: (one) => <span class="row actions">{actions.includes("close") && command("monitor/close", "Close", one)}{command("rescue/diagnose", "Diagnose", one)}</span> },
  ];
  return (
    <Section name="Open incidents">
      {open.length ? <Table isWide caption="Open incidents" columns={columns} rows={open} keyOf={(one) => one.incident_id} /> : <Empty>Nothing is wrong that anybody knows of.</Empty>}
    </Section>
  );
}

/** What was wrong, and for how long. */
export function ClosedIncidents({ items }: { items: Fields[] }) {
  const ends = endsOf(items);
  const closed = items.filter((one) => one.kind === "incident" && ends.has(one.incident_id)).toReversed();
  if (!closed.length) return null;
  const columns: Column<Fields>[] = [
    ...TOLD,
    { head: "Lasted", cell: (one) => took(Date.parse(ends.get(one.incident_id)?.recorded_at) - Date.parse(one.recorded_at)), number: true },
    { head: "Closed because", cell: (one) => ends.get(one.incident_id)?.reason },
  ];
  return <Section name="Closed incidents"><Table isWide caption="Closed incidents, the newest first" columns={columns} rows={closed} keyOf={(one) => one.incident_id} /></Section>;
}
