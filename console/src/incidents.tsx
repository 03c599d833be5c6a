import type { Fields } from "./api";
import { CommandButton } from "./commands";
import { took } from "./jobs";
import { type Column, Empty, Section, Table, Time, Word } from "./parts";

const MOST = 200;

/** What is wrong, and below it what was; `actions` is null where the page is of the past. */
export function Incidents({ id, items, actions }: { id: string; items: Fields[]; actions: string[] | null }) {
  const ends = new Map(items.filter((one) => one.kind === "closed_incident").map((one) => [one.incident_id, one]));
  const all = items.filter((one) => one.kind === "incident").toReversed();
  const open = all.filter((one) => !ends.has(one.incident_id)).toSorted((one, other) => one.severity.localeCompare(other.severity));
  const closed = all.filter((one) => ends.has(one.incident_id));
  const command = (action: string, name: string, one: Fields) => (
    <CommandButton target={{ template: `/api/divisions/{division_id}/${action}`, ids: { division_id: id }, name, preset: { incident_id: one.incident_id } }} of={one.title} />
  );
  const told: Column<Fields>[] = [
    { head: "Incident", cell: (one) => one.title },
    { head: "Severity", cell: (one) => <Word>{one.severity}</Word> },
    { head: "Description", cell: (one) => one.description },
    { head: "Since", cell: (one) => <Time at={one.recorded_at} /> },
  ];
  const openColumns: Column<Fields>[] = actions === null ? told : [
    ...told,
    { head: "Commands", cell: (one) => <span class="row actions">{actions.includes("close") && command("monitor/close", "Close", one)}{command("rescue/diagnose", "Diagnose", one)}</span> },
  ];
  const closedColumns: Column<Fields>[] = [
    ...told,
    { head: "Lasted", cell: (one) => took(Date.parse(ends.get(one.incident_id)?.recorded_at) - Date.parse(one.recorded_at)), number: true },
    { head: "Closed because", cell: (one) => ends.get(one.incident_id)?.reason },
  ];
  return (
    <>
      <Section name="Open incidents">
        {open.length ? <Table isWide caption="Open incidents" columns={openColumns} rows={open} keyOf={(one) => one.incident_id} /> : <Empty>Nothing is wrong that anybody knows of.</Empty>}
      </Section>
      {closed.length > 0 && (
        <Section name="Closed incidents">
          <Table isWide caption="Closed incidents, the newest first" columns={closedColumns} rows={closed.slice(0, MOST)} keyOf={(one) => one.incident_id} />
        </Section>
      )}
    </>
  );
}
