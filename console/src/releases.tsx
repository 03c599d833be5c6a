import { useContext, useState } from "preact/hooks";

import type { Fields } from "./api";
import { CommandButton } from "./commands";
import { Moment, concerning, useFetched, useItems } from "./hooks";
import { type Column, Empty, Loaded, Problem, Section, Table, Time, Word } from "./parts";

const POLL_MS = 5000;

export function Releases({ id }: { id: string }) {
  const { items, now, isLoaded, error } = useItems(`/api/divisions/${id}/deployments`, "deployments", concerning(id));
  const moment = useContext(Moment);
  const live = moment === null ? now?.live?.version : liveThen(items);
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
  const releases = items.filter((one) => one.kind !== "release_start").toReversed();
  return (
    <>
      {moment === null && <Application id={id} />}
      <Section name="Releases">
        <Problem error={error} />
        {releases.length ? <Table isWide caption="Releases, the newest first" columns={columns} rows={releases} keyOf={(one) => one.position} /> : isLoaded && <Empty>Nothing is released yet: start deploying, then release a version.</Empty>}
      </Section>
    </>
  );
}

/** Which version was live as of the last of the items. */
function liveThen(items: Fields[]): string | undefined {
  const last = items.findLast((one) => one.kind === "release" || one.kind === "rollback");
  return last?.to_version ?? last?.version;
}

/** What runs under the daemon's eyes, and the last lines that it has printed. */
function Application({ id }: { id: string }) {
  const service = useFetched(`/api/divisions/${id}/service`, concerning(id), POLL_MS);
  const [isShown, setShown] = useState(false);
  const log = useFetched(isShown ? `/api/divisions/${id}/service/logs` : null, null, POLL_MS);
  const running = service.value?.service;
  if (!running || running.state === "stopped") return null;
  return (
    <Section name="Application">
      <dl class="figures">
        <div><dt>State</dt><dd><Word>{running.state}</Word></dd></div>
        {running.version && <div><dt>Version</dt><dd>{running.version}</dd></div>}
        {running.url && <div><dt>Address</dt><dd>{running.url}</dd></div>}
        <div><dt>Restarts</dt><dd>{running.restarts}</dd></div>
      </dl>
      {running.error && <p class="problem">{running.error}</p>}
      <details onToggle={(event) => setShown(event.currentTarget.open)}>
        <summary>What it prints</summary>
        {isShown && <Loaded from={log}>{({ lines }) => (lines.length ? <pre tabIndex={0} role="region" aria-label="Output of the application">{lines.join("\n")}</pre> : <Empty>It has printed nothing so far.</Empty>)}</Loaded>}
      </details>
    </Section>
  );
}
