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
            all.length ? <><MeshPicture self={status.value?.name ?? "this daemon"} peers={all} /><Table caption="Peers" columns={columns} rows={all as Fields[]} keyOf={(one) => one.identity} /></> : <Empty>This daemon has no peers. Found a realm with <code>hecate mesh init</code>, and let another daemon in with <code>hecate mesh invite</code>.</Empty>
          }
        </Loaded>
      </Section>
    </>
  );
}

const MOST_DRAWN = 24;
const WIDTH = 520;
const HEIGHT = 320;

/** This daemon in the middle and its peers around it: a dashed line is relayed by others, and who is absent has none. */
function MeshPicture({ self, peers }: { self: string; peers: Fields[] }) {
  const drawn = peers.slice(0, MOST_DRAWN);
  const [x, y] = [WIDTH / 2, HEIGHT / 2];
  return (
    <svg class="plot mesh" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${self} and ${peers.length} peers; the table below has them in words`}>
      {drawn.map((peer, place) => {
        const angle = (2 * Math.PI * place) / drawn.length - Math.PI / 2;
        const [to, down] = [x + Math.cos(angle) * 170, y + Math.sin(angle) * 115];
        const can = peer.capabilities?.length ?? 0;
        return (
          <g key={peer.identity}>
            {peer.present !== false && <line class="edge" x1={x} y1={y} x2={to} y2={down} stroke-dasharray={peer.connection === "relayed" ? "5 4" : undefined} />}
            <circle class={peer.present === false ? "node" : "node present"} cx={to} cy={down} r={9} />
            <text class="node-name" x={to} y={down + 26} text-anchor="middle">{peer.name}</text>
            {(can > 0 || peer.shares_models) && <text x={to} y={down + 41} text-anchor="middle">{[can && `${can} capabilities`, peer.shares_models && "models"].filter(Boolean).join(", ")}</text>}
          </g>
        );
      })}
      <circle class="node self" cx={x} cy={y} r={13} />
      <text class="node-name" x={x} y={y + 30} text-anchor="middle">{self}</text>
    </svg>
  );
}
