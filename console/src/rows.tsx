import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Happening } from "./live";
import { Time } from "./parts";

const ROW_PX = 30;
const SPARE_ROWS = 10;
/** Browsers draw nothing that is higher than some 33 million pixels. */
const MOST_ROWS = 1_000_000;
const LONGEST_PREVIEW = 300;
/** Rows that are only passed by are not asked for. */
const STANDING_MS = 60;

interface RowsProps {
  count: number;
  /** Of what is at the top; when it grows, what is looked at stays where it is. */
  first: number;
  eventAt: (place: number) => Happening | undefined;
  /** The place that shall be in sight; null: none. */
  wanted: number | null;
  chosen: Happening | null;
  onChoose: (event: Happening) => void;
  onSeen: (from: number, to: number) => void;
}

/** A list of any length, of which only the rows in sight are in the document.  Arrows choose in it. */
export function Rows({ count, first, eventAt, wanted, chosen, onChoose, onSeen }: RowsProps) {
  const rows = Math.min(count, MOST_ROWS);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const box = useRef<HTMLDivElement>(null);
  const focused = useRef<number | null>(null);
  const known = useRef(first);
  const from = Math.max(0, Math.floor(top / ROW_PX) - SPARE_ROWS);
  const to = Math.min(rows, from + Math.ceil(height / ROW_PX) + 2 * SPARE_ROWS);

  useEffect(() => {
    const watcher = new ResizeObserver(() => box.current && setHeight(box.current.clientHeight));
    if (box.current) watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  useLayoutEffect(() => {
    const grown = first - known.current;
    known.current = first;
    if (grown > 0 && box.current && box.current.scrollTop > ROW_PX) box.current.scrollTop += grown * ROW_PX;
  }, [first]);
  useEffect(() => {
    const timer = setTimeout(() => onSeen(from, to), STANDING_MS);
    return () => clearTimeout(timer);
  }, [from, to, first, count]);
  useEffect(() => {
    if (wanted !== null) show(wanted);
  }, [wanted]);
  useLayoutEffect(() => {
    if (focused.current === null) return;
    const button = box.current?.querySelector<HTMLElement>(`[data-place="${focused.current}"]`);
    if (!button) return;
    button.focus({ preventScroll: true });
    focused.current = null;
  });

  function show(place: number) {
    const at = box.current;
    if (!at) return;
    const y = Math.min(place, rows - 1) * ROW_PX;
    if (y < at.scrollTop || y + ROW_PX > at.scrollTop + at.clientHeight) at.scrollTop = y - at.clientHeight / 2;
    setTop(at.scrollTop);
  }
  function move(event: KeyboardEvent) {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: Math.floor(height / ROW_PX), PageUp: -Math.floor(height / ROW_PX), Home: -rows, End: rows };
    const step = steps[event.key];
    const here = Number((event.target as HTMLElement).dataset.place ?? from);
    if (step === undefined) return;
    event.preventDefault();
    const place = Math.max(0, Math.min(rows - 1, here + step));
    focused.current = place;
    show(place);
    const there = eventAt(place);
    if (there) onChoose(there);
  }
  const places = Array.from({ length: to - from }, (_, place) => from + place);
  return (
    <div class="events" ref={box} onScroll={({ currentTarget: at }) => setTop(at.scrollTop)} onKeyDown={move} role="region" aria-label="Events, the newest first" tabIndex={0}>
      <ul style={{ height: `${rows * ROW_PX}px` }}>
        {places.map((place) => {
          const event = eventAt(place);
          return (
            <li key={first - place} style={{ top: `${place * ROW_PX}px` }} aria-setsize={count} aria-posinset={place + 1}>
              <button type="button" tabIndex={-1} data-place={place} aria-pressed={event !== undefined && chosen?.position === event.position} onClick={() => event && onChoose(event)}>
                {event ? <><span class="number">{event.position}</span> <Time at={event.recorded_at} /> <b>{event.type}</b> <span class="dim">{JSON.stringify(event.data).slice(0, LONGEST_PREVIEW)}</span></> : <span class="dim">…</span>}
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
