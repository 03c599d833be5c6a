import { createContext } from "preact";
import { useCallback, useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";

import { type Fields, get } from "./api";
import { type Happening, onHappening } from "./live";

/** How long to wait for more of what happens together before it is asked for, in ms. */
const TOGETHER_MS = 150;

/** The position of the event as of which a page is read; null: as it is now, and live. */
export const Moment = createContext<number | null>(null);

/** What an event must be of to concern a division, or a venture. */
export function concerning(id: string): (event: Happening) => boolean {
  return (event) => event.stream.endsWith(id);
}

export interface Fetched {
  value: Fields | null;
  error: Error | null;
  again: () => void;
}

/**
 * What is at a path, and what is there after each event that concerns it.
 *
 * `concerns` of null means never; `everyMs` also asks on a clock, for what is no event.
 */
export function useFetched(path: string | null, concerns: ((event: Happening) => boolean) | null, everyMs = 0): Fetched {
  const [state, setState] = useState<{ path: string | null; value: Fields | null; error: Error | null }>({ path: null, value: null, error: null });
  const latest = useRef(0);
  const tookMs = useRef(0);
  const again = useCallback(() => {
    if (path === null) return;
    const mine = ++latest.current;
    const began = performance.now();
    get(path).finally(() => (tookMs.current = performance.now() - began)).then(
      (value) => mine === latest.current && setState({ path, value, error: null }),
      // What was seen before stays in sight beside what went wrong.
      (error: Error) => mine === latest.current && setState((was) => ({ path, value: was.path === path ? was.value : null, error })),
    );
  }, [path]);
  useEffect(again, [again]);
  const filter = useRef(concerns);
  filter.current = concerns;
  useEffect(() => {
    let timer = 0;
    const stop = onHappening((event) => {
      if (filter.current?.(event) && !timer) {
        timer = window.setTimeout(() => {
          timer = 0;
          again();
          // What takes the daemon long is asked for less often: a tenth of its time at most.
        }, Math.max(TOGETHER_MS, 10 * tookMs.current));
      }
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [again]);
  useEffect(() => {
    if (!everyMs) return;
    const timer = window.setInterval(() => document.hidden || again(), everyMs);
    return () => clearInterval(timer);
  }, [again, everyMs]);
  return { value: state.path === path ? state.value : null, error: state.error, again };
}

/** The part of the address behind `#`, in pieces. */
export function usePlace(): string[] {
  const read = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
  const [place, setPlace] = useState(read);
  useEffect(() => {
    const changed = () => setPlace(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return place;
}

export interface Items {
  items: Fields[];
  /** What the last answer said besides: what holds now.  Null, too, where the page is read as of a moment of the past. */
  now: Fields | null;
  isLoaded: boolean;
  error: Error | null;
}

/** Everything that a process has recorded until the page's moment, oldest first; what comes later is added, and nothing is asked for twice. */
export function useItems(path: string, key: string, concerns: (event: Happening) => boolean): Items {
  const [state, setState] = useState<{ items: Fields[]; now: Fields | null; error: Error | null }>({ items: [], now: null, error: null });
  const moment = useContext(Moment);
  useEffect(() => {
    let isGone = false;
    let isUnderWay = false;
    let isWanted = false;
    let items: Fields[] = [];
    async function load() {
      isWanted = true;
      if (isUnderWay) return;
      isUnderWay = true;
      try {
        while (isWanted && !isGone) {
          isWanted = false;
          let next: number | null = items.at(-1)?.position ?? 0;
          while (next !== null && !isGone) {
            const page: Fields = await get(`${path}?limit=500&after=${next}`);
            items = [...items, ...page[key]];
            next = page.next;
            if (!isGone) setState({ items, now: page, error: null });
          }
        }
      } catch (error) {
        if (!isGone) setState((was) => ({ ...was, error: error as Error }));
      } finally {
        isUnderWay = false;
      }
    }
    void load();
    let timer = 0;
    const stop = onHappening((event) => {
      if (!concerns(event)) return;
      clearTimeout(timer);
      timer = window.setTimeout(load, TOGETHER_MS);
    });
    return () => {
      isGone = true;
      clearTimeout(timer);
      stop();
    };
    // A page has one key, and one notion of what concerns it, for as long as it has one path.
  }, [path]);
  return useMemo(() => {
    const { items, now, error } = state;
    if (moment === null) return { items, now, isLoaded: now !== null, error };
    return { items: items.filter((one) => one.position <= moment), now: null, isLoaded: now !== null, error };
  }, [state, moment]);
}
