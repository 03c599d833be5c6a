import type { Fields } from "./api";
import { useFetched } from "./hooks";
import { type Column, Empty, Loaded, Section, Table, Time, Title, Word } from "./parts";

const POLL_MS = 5000;

export function Mesh() {
  const status = useFetched("/api/mesh/status", null, POLL_MS);
  const peers = useFetched("/api/mesh/peers?include_absent=true", null, POLL_MS);
  const columns: Column<Fields>[] = [
    { head: "Peer", cell: (one) => one.name ?? one.identity },
    { head: "Present", cell: (one) => (one.present === false ? "absent" : <Word>{one.connection ?? "present"}</Word>) },
    { head: "Last seen", cell: (one) => <Time at={one.last_seen} /> },
    { head: "Round trip", cell: (one) => (one.round_trip_ms == null ? "" : `${one.round_trip_ms} ms`), number: true },
    { head: "Capabilities", cell: (one) => one.capabilities?.map((mri: unknown) => (typeof mri === "string" ? mri : (mri as Fields).mri)).join(", ") },
    { head: "Shares models", cell: (one) => (one.shares_models ? "yes" : "") },
    { head: "Version", cell: (one) => one.version },
  ];
  return (
    <>
      <Title name="Mesh" />
      <Loaded from={status}>
        {(now) => (
          <dl class="figures">
            <div><dt>State</dt><dd><Word>{now.state}</Word></dd></div>
            {now.realm && <div><dt>Realm</dt><dd>{now.realm}{now.is_keeper && ", kept here"}</dd></div>}
            {now.name && <div><dt>This daemon</dt><dd>{now.name}</dd></div>}
            {now.fingerprint && <div><dt>Fingerprint</dt><dd>{now.fingerprint}</dd></div>}
          </dl>
        )}
      </Loaded>
      <Section name="Peers">
        <Loaded from={peers}>
          {({ peers: all }) =>
            all.length ? <Table caption="Peers" columns={columns} rows={all as Fields[]} keyOf={(one) => one.identity} /> : <Empty>This daemon has no peers. Found a realm with <code>hecate mesh init</code>, and let another daemon in with <code>hecate mesh invite</code>.</Empty>
          }
        </Loaded>
      </Section>
    </>
  );
}
