import { useMemo } from "preact/hooks";

import type { Fields } from "./api";
import { concerning, useItems } from "./hooks";
import { type Column, Empty, Problem, Section, Table } from "./parts";
import { DeskGraph } from "./graph";
import { ProposalsOf } from "./proposals";

export function Design({ id }: { id: string }) {
  const { items, now, isLoaded, error } = useItems(`/api/divisions/${id}/designs`, "designs", concerning(id));
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
      <Section name="Aggregates">{aggregates.length ? <Table caption="Aggregates" columns={columns} rows={aggregates} keyOf={(one) => one.position} /> : isLoaded && <Empty>No aggregate is designed yet: start the design, then design an aggregate, or let a model propose some.</Empty>}</Section>
      <Section name="Events designed">{events.length ? <Table caption="Events designed" columns={eventColumns} rows={events} keyOf={(one) => one.position} /> : isLoaded && <Empty>No event is designed yet: design one, of an aggregate or of none.</Empty>}</Section>
      <ProposalsOf id={id} process="design" items={items} now={now} />
    </>
  );
}

export function Plan({ id }: { id: string }) {
  const { items, now, isLoaded, error } = useItems(`/api/divisions/${id}/plans`, "plans", concerning(id));
  const { desks, needs, sprints } = useMemo(() => planOf(items), [items]);
  const columns: Column<Fields>[] = [
    { head: "Desk", cell: (one) => one.desk_name },
    { head: "Type", cell: (one) => one.desk_type },
    { head: "Aggregate", cell: (one) => one.aggregate_name },
    { head: "Priority", cell: (one) => one.priority },
    { head: "Needs", cell: (one) => needs.filter((need) => need.from_desk_id === one.desk_id).map((need) => need.to_desk).join(", ") },
    { head: "Sprint", cell: (one) => sprints.get(one.desk_id), number: true },
    { head: "Description", cell: (one) => one.description },
  ];
  return (
    <>
      <Problem error={error} />
      <Section name="Desks">
        {desks.length ? (
          <>
            <DeskGraph nodes={desks} edges={needs} />
            <Table caption="Desks" columns={columns} rows={desks} keyOf={(one) => one.desk_id} />
          </>
        ) : (
          isLoaded && <Empty>No desk is planned yet: start the plan, then add a desk, or let a model propose some.</Empty>
        )}
      </Section>
      <ProposalsOf id={id} process="plan" items={items} now={now} />
    </>
  );
}

function planOf(items: Fields[]) {
  const sprints = new Map<string, number>();
  for (const one of items) if (one.kind === "sequence") for (const desk of one.desk_ids) sprints.set(desk, one.sprint_number);
  return { desks: items.filter((one) => one.kind === "desk"), needs: items.filter((one) => one.kind === "dependency"), sprints };
}
