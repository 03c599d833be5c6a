import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Happening } from "./live";
import { Empty, Problem, Title, count } from "./parts";
import { useLog } from "./log";
import { Rows } from "./rows";
import { useSearch } from "./search";

/** The raw stream: all events there are, the newest first, as they happen. */
export function Events() {
  const log = useLog();
  const [sought, setSought] = useState("");
  const [isHeld, setHeld] = useState(false);
  const [heldAt, setHeldAt] = useState(0);
  const [chosen, setChosen] = useState<Happening | null>(null);
  const [wanted, setWanted] = useState<{ position: number } | null>(null);
  const newest = isHeld ? heldAt : log.newest;
  const words = useMemo(() => sought.toLowerCase().split(/\s+/).filter(Boolean), [sought]);
  const found = useSearch(words, newest);
  const isSearch = words.length > 0;
  const rows = isSearch ? found.events.length : newest;
  const eventAt = (place: number) => (isSearch ? found.events[place] : log.eventAt(newest - place));
  return (
    <>
      <Title name="Events">
        <button type="button" aria-pressed={isHeld} onClick={() => { setHeldAt(log.newest); setHeld(!isHeld); }}>{isHeld ? `Go on, ${log.newest - heldAt} have come` : "Hold"}</button>
      </Title>
      <div class="row">
        <label>Filter <input type="search" value={sought} placeholder="design_ user billing" onInput={(event) => setSought(event.currentTarget.value)} /></label>
        <GoTo newest={newest} isOff={isSearch} onGo={(position) => setWanted({ position })} />
        <span aria-live="polite">{isSearch ? `${found.events.length} found, ${found.searched.toLocaleString()} of ${newest.toLocaleString()} looked through` : count(newest, "event")}</span>
        {isSearch && found.searched < newest && <button type="button" onClick={found.more}>Look further</button>}
      </div>
      <Problem error={log.error ?? found.error} />
      {rows ? (
        <Rows count={rows} first={isSearch ? 0 : newest} eventAt={eventAt} wanted={!isSearch && wanted ? newest - wanted.position : null} chosen={chosen} onChoose={setChosen} onSeen={isSearch ? found.seen : (from, to) => log.want(newest - to, newest - from)} />
      ) : (
        log.isLoaded && !found.isBusy && <Empty>{isSearch ? "No event has these words." : "Nothing has happened yet. Set up a venture, and its first event is here."}</Empty>
      )}
      {chosen && <Whole event={chosen} />}
    </>
  );
}

function GoTo({ newest, isOff, onGo }: { newest: number; isOff: boolean; onGo: (position: number) => void }) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <form class="row" onSubmit={(event) => { event.preventDefault(); if (field.current?.value) onGo(Number(field.current.value)); }}>
      <label>Go to <input ref={field} type="number" min={1} max={newest} step={1} disabled={isOff} placeholder="position" /></label>
      <button type="submit" disabled={isOff}>Go</button>
    </form>
  );
}

function Whole({ event }: { event: Happening }) {
  const section = useRef<HTMLElement>(null);
  useEffect(() => section.current?.scrollIntoView({ block: "nearest" }), [event]);
  return (
    <section ref={section} class="card" aria-label={`Event ${event.position}`}>
      <h2>{event.position} {event.type}</h2>
      <pre tabIndex={0}>{JSON.stringify(event, null, 2)}</pre>
    </section>
  );
}
