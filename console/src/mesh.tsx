import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Fields } from "./api";
import { CommandButton } from "./commands";
import { useFetched } from "./hooks";
import { type Column, Dialog, Empty, Loaded, Section, Table, Time, Title, Word } from "./parts";

const POLL_MS = 5000;
/** Other daemons are asked for these. */
const MODELS_POLL_MS = 15_000;
const MOST_DRAWN = 24;
const MOST_NAMED = 12;

export function Mesh() {
  const status = useFetched("/api/mesh/status", null, POLL_MS);
  const peers = useFetched("/api/mesh/peers?include_absent=true", null, POLL_MS);
  const models = useFetched("/api/llm/models", null, MODELS_POLL_MS);
  const own = useFetched("/api/mesh/capabilities?peer=self&limit=100", null, POLL_MS);
  const sharing = ((peers.value?.peers ?? []) as Fields[]).filter((one) => one.shares_models).map((one) => one.identity).join();
  useEffect(() => {
    if (sharing) models.again();
  }, [sharing]);
  const again = () => [status, peers].forEach((one) => one.again());
  const modelsOf = (provider: string) => ((models.value?.models ?? []) as Fields[]).filter((one) => one.provider === provider).map((one) => one.name as string);
  const columns: Column<Fields>[] = [
    { head: "Peer", cell: (one) => one.name ?? one.identity },
    { head: "Present", cell: (one) => <Word>{one.present === false ? "absent" : one.connection ?? "present"}</Word> },
    { head: "Last seen", cell: (one) => <Time at={one.last_seen} /> },
    { head: "Round trip", cell: (one) => (one.round_trip_ms == null ? "" : `${one.round_trip_ms} ms`), number: true },
    { head: "Capabilities", cell: (one) => capabilitiesOf(one).join(", ") },
    { head: "Models", cell: (one) => modelsOf(one.name).join(", ") || (one.shares_models ? "shared, none seen" : "") },
    { head: "Version", cell: (one) => one.version },
    { head: "Identity", cell: (one) => <code class="broken">{one.identity}</code> },
  ];
  return (
    <>
      <Title name="Mesh">{status.value && <Doors now={status.value} onDone={again} />}</Title>
      <Loaded from={status}>
        {(now) => (
          <dl class="figures">
            <div><dt>State</dt><dd><Word>{now.state}</Word></dd></div>
            {now.realm && <div><dt>Realm</dt><dd>{now.realm}{now.is_keeper && ", kept here"}</dd></div>}
            {now.name && <div><dt>This daemon</dt><dd>{now.name}</dd></div>}
            {now.fingerprint && <div><dt>Fingerprint</dt><dd title={now.fingerprint}><code>{now.fingerprint.slice(0, 16)}…</code></dd></div>}
            {Object.entries<number>(now.refused ?? {}).filter(([, count]) => count).map(([kind, count]) => <div key={kind}><dt>Refused: {kind}</dt><dd>{count}</dd></div>)}
          </dl>
        )}
      </Loaded>
      <Section name="Peers">
        <Loaded from={peers}>
          {({ peers: all }) =>
            all.length ? (
              <>
                <Picture self={status.value?.name ?? "this daemon"} own={(own.value?.capabilities ?? []).map((one: Fields) => one.mri)} peers={all} modelsOf={modelsOf} />
                <Table isWide caption="Peers" columns={columns} rows={all as Fields[]} keyOf={(one) => one.identity} />
              </>
            ) : (
              <Empty>This daemon has no peers. Found a realm with <code>hecate mesh init</code>, and let another daemon in with <code>hecate mesh invite</code>.</Empty>
            )
          }
        </Loaded>
      </Section>
    </>
  );
}

/** What can be done here: a realm is founded or entered once, and its keeper invites. */
function Doors({ now, onDone }: { now: Fields; onDone: () => void }) {
  const [invitation, setInvitation] = useState<Fields | null>(null);
  const door = (path: string, name: string, then: (answer: Fields) => void) => <CommandButton target={{ template: `/api/mesh/${path}`, ids: {}, name, onDone: then }} />;
  if (now.state === "disabled" || now.state === "unavailable") return null;
  return (
    <div class="row actions" role="group" aria-label="Commands of the mesh">
      {now.realm ? now.is_keeper && door("invite", "Invite a daemon", setInvitation) : <>{door("init", "Begin a mesh", onDone)}{door("join", "Enter a mesh", onDone)}</>}
      {invitation && (
        <Dialog name="The invitation" onClose={() => setInvitation(null)}>
          <p>On the other machine, once, until <Time at={invitation.expires_at} />:</p>
          <pre class="whole" tabIndex={0}>hecate mesh join {invitation.invitation}</pre>
        </Dialog>
      )}
    </div>
  );
}

function capabilitiesOf(peer: Fields): string[] {
  return (peer.capabilities ?? []).map((one: string | Fields) => shortOf(typeof one === "string" ? one : one.mri));
}

function shortOf(mri: string): string {
  return mri.replace(/^mri:capability:/, "");
}

/** This daemon, and a line to each peer: dashed where others relay, none to who is absent. */
function Picture({ self, own, peers, modelsOf }: { self: string; own: string[]; peers: Fields[]; modelsOf: (name: string) => string[] }) {
  const drawn = peers.slice(0, MOST_DRAWN);
  const box = useRef<HTMLDivElement>(null);
  const [lines, setLines] = useState<string[]>([]);
  useLayoutEffect(() => {
    const measure = () => box.current && setLines(linesIn(box.current));
    const watcher = new ResizeObserver(measure);
    if (box.current) watcher.observe(box.current);
    measure();
    return () => watcher.disconnect();
  }, [drawn.map((peer) => `${peer.identity}${peer.capabilities?.length}${modelsOf(peer.name).length}`).join()]);
  return (
    <div class="mesh" ref={box}>
      <svg aria-hidden="true">
        {drawn.map((peer, place) => peer.present !== false && <path key={peer.identity} class={peer.connection === "relayed" ? "edge relayed" : "edge"} d={lines[place] ?? ""} />)}
      </svg>
      <div class="node self"><b>{self}</b><Chips kind="capability" names={own.map(shortOf)} /></div>
      <ul aria-label={`Peers of ${self}`}>
        {drawn.map((peer) => (
          <li key={peer.identity} class={`node ${peer.present === false ? "absent" : ""}`}>
            <span class="title"><b>{peer.name ?? peer.identity}</b><span class="dim">{peer.present === false ? "absent" : [peer.connection, peer.round_trip_ms != null && `${peer.round_trip_ms} ms`].filter(Boolean).join(", ")}</span></span>
            <Chips kind="capability" names={capabilitiesOf(peer)} />
            <Chips kind="model" names={modelsOf(peer.name)} />
          </li>
        ))}
      </ul>
      {peers.length > MOST_DRAWN && <p class="dim">{MOST_DRAWN} of {peers.length} peers are drawn; the table has all.</p>}
    </div>
  );
}

function Chips({ kind, names }: { kind: "capability" | "model"; names: string[] }) {
  if (!names.length) return null;
  return (
    <span class="chips">
      {names.slice(0, MOST_NAMED).map((name) => <span key={name} class={`chip ${kind}`}><span class="dim">{kind}</span> {name}</span>)}
      {names.length > MOST_NAMED && <span class="dim">and {names.length - MOST_NAMED} more</span>}
    </span>
  );
}

/** Lines from this daemon's box to each peer's, wherever the window's width has put them. */
function linesIn(box: HTMLElement): string[] {
  const around = box.getBoundingClientRect();
  const self = box.querySelector(".self")?.getBoundingClientRect();
  if (!self) return [];
  return [...box.querySelectorAll("li")].map((item) => {
    const peer = item.getBoundingClientRect();
    const [x, y] = [peer.left - around.left, peer.top + peer.height / 2 - around.top];
    if (peer.left > self.right) {
      const [from, at] = [self.right - around.left, self.top + self.height / 2 - around.top];
      const middle = (from + x) / 2;
      return `M${from} ${at}C${middle} ${at} ${middle} ${y} ${x} ${y}`;
    }
    const trunk = self.left - around.left + 12;
    return `M${trunk} ${self.bottom - around.top}V${y}H${x}`;
  });
}
