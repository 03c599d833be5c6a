import type { Fields } from "./api";
import { Changes, DiffLines } from "./changes";
import { CommandButton } from "./commands";
import { concerning, useItems } from "./hooks";
import { Empty, Problem, Section, Time, percent } from "./parts";

const MOST = 200;

export function Rescue({ id }: { id: string }) {
  const { items, now, isLoaded, error } = useItems(`/api/divisions/${id}/rescues`, "rescues", concerning(id));
  const mayFix = now?.process.available_actions.includes("fix");
  return (
    <Section name="Diagnoses and fixes">
      <Problem error={error} />
      {items.length
        ? items.toReversed().slice(0, MOST).map((one) => <Step key={one.position} id={id} step={one} mayFix={mayFix} />)
        : isLoaded && <Empty>Nothing was diagnosed yet. An incident begins a rescue; diagnose it here, or on the monitor page.</Empty>}
    </Section>
  );
}

/** A diagnosis, a fix or an escalation. */
function Step({ id, step, mayFix }: { id: string; step: Fields; mayFix: boolean }) {
  const fix = { template: "/api/divisions/{division_id}/rescue/fix", ids: { division_id: id }, name: "Fix", preset: { incident_id: step.incident_id, diagnosis_id: step.diagnosis_id, description: step.proposed_fix?.description ?? "" } };
  return (
    <article class="process" aria-label={`${step.kind} at ${step.recorded_at}`}>
      <h3>{step.kind.replaceAll("_", " ")} <Time at={step.recorded_at} /></h3>
      <p class="prose">{step.diagnosis ?? step.description ?? step.reason}</p>
      <dl class="figures">
        {step.root_cause && <div><dt>Root cause</dt><dd>{step.root_cause}</dd></div>}
        {step.confidence != null && <div><dt>Confidence</dt><dd>{percent(step.confidence * 100)}</dd></div>}
        {step.model && <div><dt>Model</dt><dd>{step.model}</dd></div>}
        {step.cost_usd != null && <div><dt>Cost</dt><dd>${step.cost_usd}</dd></div>}
        {step.aggregates?.length > 0 && <div><dt>Aggregates</dt><dd>{step.aggregates.join(", ")}</dd></div>}
      </dl>
      {step.evidence?.length > 0 && <ul>{step.evidence.map((line: string) => <li key={line}>{line}</li>)}</ul>}
      {step.proposed_fix && <ProposedFix fix={step.proposed_fix} />}
      {step.commit && <Changes division={id} commit={step.commit} />}
      {step.kind === "diagnosis" && mayFix && <CommandButton target={fix} of={step.root_cause || step.incident_id} />}
    </article>
  );
}

function ProposedFix({ fix }: { fix: Fields }) {
  return (
    <>
      {fix.description && <p class="prose">{fix.description}</p>}
      {fix.steps?.length > 0 && <ol>{fix.steps.map((step: string) => <li key={step}>{step}</li>)}</ol>}
      {fix.patch && <DiffLines name="the proposed patch" lines={fix.patch.split("\n")} />}
    </>
  );
}
