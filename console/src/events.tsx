import { useEffect, useRef, useState } from "preact/hooks";

import { get } from "./api";
import { type Happening, onHappening } from "./live";
import { Empty, Problem, Time, Title } from "./parts";

const PAGE = 500;
/** How many are kept in the page, and how high one is drawn, in pixels: only those in sight are in the document. */
const MOST = 100_000;
const ROW_PX = 30;
const SPARE_ROWS = 10;

/** The raw stream: the newest first, as they happen; older ones by scrolling down. */
export function Events() {
  const [events, setEvents] = useState<Happening[]>([]);
  const [error, setError] = useState<Error | null>(null);
  const [sought, setSought] = useState("");
  const [isHeld, setHeld] = useState(false);
  const [chosen, setChosen] = useState<Happening | null>(null);
  const [isLoading, setLoading] = useState(true);
  const held = useRef(false);
  held.current = isHeld;
  const waiting = useRef<Happening[]>([]);
  const oldest = events.at(-1)?.position ?? 0;

  async function load(before: number) {
    setLoading(true);
    try {
      const after = Math.max(0, before - 1 - PAGE);
      const limit = before - 1 - after;
      const page: Happening[] = limit > 0 ? ((await get(`/api/events?after=${after}&limit=${limit}`)).events as Happening[]) : [];
      setEvents((all) => [...all.filter((one) => one.position >= before), ...page.toReversed()].slice(0, MOST));
    } catch (wrong) {
      setError(wrong as Error);
    } finally {
      setLoading(false);
    }
  }
  useEffect(() => {
    let isGone = false;
    get("/api/health").then((health) => (isGone ? undefined : load(health.events + 1)), setError);
    let frame = 0;
    const stop = onHappening((event) => {
      waiting.current.push(event);
      // Many at once are drawn once.
      if (!held.current && !frame) frame = requestAnimationFrame(flush);
    });
    function flush() {
      frame = 0;
      const come = waiting.current.splice(0).toReversed();
      setEvents((all) => [...come.filter((one) => one.position > (all[0]?.position ?? 0)), ...all].slice(0, MOST));
    }
    return () => {
      isGone = true;
      stop();
      cancelAnimationFrame(frame);
    };
  }, []);
  function hold() {
    if (isHeld) {
      const come = waiting.current.splice(0).toReversed();
      setEvents((all) => [...come.filter((one) => one.position > (all[0]?.position ?? 0)), ...all].slice(0, MOST));
    }
    setHeld(!isHeld);
  }
  const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = words.length ? events.filter((one) => matches(one, words)) : events;
  return (
    <>
      <Title name="Events">
        <button type="button" aria-pressed={isHeld} onClick={hold}>{isHeld ? "Go on" : "Hold"}</button>
      </Title>
      <div class="row">
        <label>Filter <input type="search" value={sought} placeholder="design_ user billing" onInput={(event) => setSought(event.currentTarget.value)} /></label>
        <span aria-live="polite">{words.length ? `${shown.length} of ` : ""}{events.length} loaded</span>
        {oldest > 1 && <button type="button" disabled={isLoading} onClick={() => load(oldest)}>Load older</button>}
      </div>
      <Problem error={error} />
      {shown.length ? (
        <Rows events={shown} chosen={chosen} onChoose={setChosen} onEnd={() => !isLoading && oldest > 1 && load(oldest)} />
      ) : (
        !isLoading && <Empty>{events.length ? "None of the loaded events has these words. Load older ones, or change the filter." : "Nothing has happened yet. Set up a venture, and its first event is here."}</Empty>
      )}
      {chosen && <Whole event={chosen} />}
    </>
  );
}

function matches(event: Happening, words: string[]): boolean {
  const text = `${event.position} ${event.type} ${event.stream} ${JSON.stringify(event.data)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Only the rows in sight are in the document. */
function Rows({ events, chosen, onChoose, onEnd }: { events: Happening[]; chosen: Happening | null; onChoose: (event: Happening) => void; onEnd: () => void }) {
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const watcher = new ResizeObserver(() => box.current && setHeight(box.current.clientHeight));
    if (box.current) watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  const first = Math.max(0, Math.floor(top / ROW_PX) - SPARE_ROWS);
  const rows = events.slice(first, first + Math.ceil(height / ROW_PX) + 2 * SPARE_ROWS);
  return (
    <div class="events" ref={box} onScroll={({ currentTarget: at }) => { setTop(at.scrollTop); if (at.scrollTop + 2 * at.clientHeight > at.scrollHeight) onEnd(); }} role="region" aria-label="Events, the newest first" tabIndex={0}>
      <ul style={{ height: `${events.length * ROW_PX}px` }}>
        {rows.map((event, place) => (
          <li key={event.position} style={{ top: `${(first + place) * ROW_PX}px` }} aria-setsize={events.length} aria-posinset={first + place + 1}>
            <button type="button" aria-pressed={chosen?.position === event.position} onClick={() => onChoose(event)}>
              <span class="number">{event.position}</span> <Time at={event.recorded_at} /> <b>{event.type}</b> <span class="dim">{JSON.stringify(event.data)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Whole({ event }: { event: Happening }) {
  return (
    <section class="card" aria-label={`Event ${event.position}`}>
      <h2>{event.position} {event.type}</h2>
      <pre tabIndex={0}>{JSON.stringify(event, null, 2)}</pre>
    </section>
  );
}
