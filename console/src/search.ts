/** A search through the event log, from the newest back: only what is found is kept. */

import { useEffect, useRef, useState } from "preact/hooks";

import { get } from "./api";
import { type Happening, onHappening } from "./live";

const PIECE = 500;
/** How many are looked for at once; more when the end of the list comes into sight. */
const ENOUGH = 200;

export interface Found {
  events: Happening[];
  searched: number;
  isBusy: boolean;
  error: Error | null;
  more: () => void;
  /** Tell which of them are in sight. */
  seen: (from: number, to: number) => void;
}

export function useSearch(words: string[], newest: number): Found {
  const [state, setState] = useState({ words, events: [] as Happening[], searched: 0, isBusy: false, error: null as Error | null });
  const on = useRef<(() => void) | null>(null);
  useEffect(() => {
    let isGone = false;
    let isBusy = false;
    let events: Happening[] = [];
    let below = newest;
    let come = 0;
    const tell = (error: Error | null = null) => !isGone && setState({ words, events, searched: come + newest - below, isBusy, error });
    async function search() {
      if (isBusy || below <= 0) return;
      isBusy = true;
      const enough = events.length + ENOUGH;
      try {
        while (!isGone && below > 0 && events.length < enough) {
          const after = Math.max(0, below - PIECE);
          const page = await get(`/api/events?after=${after}&limit=${below - after}`);
          events = [...events, ...(page.events as Happening[]).filter((one) => matches(one, words)).toReversed()];
          below = after;
          tell();
        }
        isBusy = false;
        tell();
      } catch (wrong) {
        isBusy = false;
        tell(wrong as Error);
      }
    }
    on.current = search;
    if (words.length) void search();
    tell();
    const stop = onHappening((event) => {
      if (!words.length) return;
      come += 1;
      if (matches(event, words)) events = [event, ...events];
      tell();
    });
    return () => {
      isGone = true;
      stop();
    };
    // What happens after the search has begun comes by itself.
  }, [words]);
  const more = () => on.current?.();
  // What was found of other words is none of these.
  const found = state.words === words ? state : { ...state, events: [], searched: 0, isBusy: words.length > 0, error: null };
  return { ...found, more, seen: (_, to) => to >= found.events.length - 20 && more() };
}

function matches(event: Happening, words: string[]): boolean {
  const text = `${event.position} ${event.type} ${event.stream} ${JSON.stringify(event.data)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
