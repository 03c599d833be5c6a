import { useEffect, useState } from "preact/hooks";

import { type Fields, get } from "./api";
import { onHappening } from "./live";
import { Empty, Problem, Section, Time } from "./parts";

const PAGE = 100;

/** What has happened, in sentences, the newest first; up to a moment, if one is given. */
export function Timeline({ venture, division }: { venture: string; division: string }) {
  const [happenings, setHappenings] = useState<Fields[]>([]);
  const [next, setNext] = useState<number | null>(null);
  const [isLoaded, setLoaded] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [sought, setSought] = useState("");
  const [until, setUntil] = useState("");
  const base = `/api/ventures/${venture}/timeline?newest_first=true&limit=${PAGE}&division=${division}`;

  async function load(after: number | null) {
    try {
      const page = await get(after === null ? base : `${base}&after=${after}`);
      setHappenings((all) => (after === null ? merged(page.happenings, all) : [...all, ...page.happenings]));
      if (after !== null || next === null) setNext(page.next);
      setError(null);
    } catch (wrong) {
      setError(wrong as Error);
    } finally {
      setLoaded(true);
    }
  }
  useEffect(() => {
    void load(null);
    let timer = 0;
    const stop = onHappening((event) => {
      if (!event.stream.endsWith(division)) return;
      clearTimeout(timer);
      timer = window.setTimeout(() => load(null), 150);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [base]);
  const moment = until ? Date.parse(until) : Number.POSITIVE_INFINITY;
  const oldest = happenings.at(-1)?.at;
  useEffect(() => {
    // Travelling back loads what lies between.
    if (oldest && next !== null && Date.parse(oldest) > moment) void load(next);
  }, [moment, oldest, next]);
  const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = happenings.filter((one) => Date.parse(one.at) <= moment && words.every((word) => `${one.sentence} ${one.type} ${one.process} ${one.by}`.toLowerCase().includes(word)));
  return (
    <Section name="Timeline">
      <div class="row">
        <label>Filter <input type="search" value={sought} onInput={(event) => setSought(event.currentTarget.value)} /></label>
        <label>Until <input type="datetime-local" step={1} value={until} onInput={(event) => setUntil(event.currentTarget.value)} /></label>
        <span aria-live="polite">{shown.length} of {happenings.length} loaded</span>
      </div>
      <Problem error={error} />
      {shown.length ? (
        <ol class="timeline">
          {shown.map((one) => (
            <li key={one.position}><span class="dim number">{one.position}</span> <Time at={one.at} /> {one.sentence} <span class="dim">{one.by}</span></li>
          ))}
        </ol>
      ) : (
        isLoaded && <Empty>{happenings.length ? "Nothing that is loaded fits. Load older ones, or change the filter." : "Nothing has happened yet: start a process."}</Empty>
      )}
      {next !== null && <button type="button" onClick={() => load(next)}>Load older</button>}
    </Section>
  );
}

function merged(newest: Fields[], known: Fields[]): Fields[] {
  const oldest = newest.at(-1)?.position ?? Number.POSITIVE_INFINITY;
  return [...newest, ...known.filter((one) => one.position < oldest)];
}
