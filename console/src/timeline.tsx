import { useContext, useEffect, useRef, useState } from "preact/hooks";

import { type Fields, get } from "./api";
import { PROCESSES } from "./board";
import { Moment, concerning } from "./hooks";
import { onHappening } from "./live";
import { placeOf } from "./moment";
import { Empty, Problem, Section, Time } from "./parts";

const PAGE = 100;
const TOGETHER_MS = 150;

interface Told {
  /** The newest first. */
  happenings: Fields[];
  /** Where older ones begin; null: there are none. */
  next: number | null;
  isLoaded: boolean;
  error: Error | null;
}

const NOTHING: Told = { happenings: [], next: null, isLoaded: false, error: null };

/** What has happened to a division until the page's moment; what happens meanwhile is added at the top. */
function useTimeline(venture: string, division: string): Told & { older: () => void } {
  const moment = useContext(Moment);
  const [told, setTold] = useState(NOTHING);
  const older = useRef(() => undefined as void);
  useEffect(() => {
    let isGone = false;
    let isUnderWay = false;
    let now = NOTHING;
    const base = `/api/ventures/${venture}/timeline?newest_first=true&limit=${PAGE}&division=${division}`;
    const tell = (more: Partial<Told>) => !isGone && setTold((now = { ...now, ...more }));
    async function load(before: number | null) {
      isUnderWay = true;
      try {
        const page = await get(before === null ? base : `${base}&after=${before}`);
        const newest: number = page.happenings[0]?.position ?? 0;
        // A page that begins above all that is known, and does not reach it, leaves a hole: then it begins anew.
        const isApart = newest > (now.happenings[0]?.position ?? 0) && page.next !== null && page.next > (now.happenings[0]?.position ?? 0);
        const known = isApart ? [] : now.happenings;
        const all = new Map([...known, ...page.happenings].map((one: Fields) => [one.position, one]));
        const reachesDown = isApart || known.length === 0 || (page.happenings.at(-1)?.position ?? 0) < (known.at(-1)?.position ?? 0);
        tell({
          happenings: [...all.values()].toSorted((one, other) => other.position - one.position),
          next: reachesDown || page.happenings.length === 0 ? page.next : now.next,
          isLoaded: true,
          error: null,
        });
      } catch (wrong) {
        tell({ isLoaded: true, error: wrong as Error });
      } finally {
        isUnderWay = false;
      }
    }
    older.current = () => void (now.next !== null && !isUnderWay && load(now.next));
    setTold(now);
    void load(moment === null ? null : moment + 1);
    let timer = 0;
    const concerns = concerning(division);
    const stop = onHappening((event) => {
      if (moment !== null || !concerns(event)) return;
      clearTimeout(timer);
      timer = window.setTimeout(() => load(null), TOGETHER_MS);
    });
    return () => {
      isGone = true;
      clearTimeout(timer);
      stop();
    };
  }, [venture, division, moment]);
  return { ...told, older: () => older.current() };
}

/** The timeline, by words, process and time.  Each happening leads to the division as it was then. */
export function Timeline({ venture, division }: { venture: string; division: string }) {
  const { happenings, next, isLoaded, error, older } = useTimeline(venture, division);
  const [sought, setSought] = useState("");
  const [process, setProcess] = useState("");
  const [until, setUntil] = useState("");
  const latest = until ? Date.parse(until) : Number.POSITIVE_INFINITY;
  const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = happenings.filter(
    (one) => Date.parse(one.at) <= latest && (!process || one.process === `${process}_division`) && words.every((word) => `${one.sentence} ${one.type} ${one.by}`.toLowerCase().includes(word)),
  );
  useEffect(() => {
    // Whoever looks for what is further back need not load it page by page.
    if (next !== null && shown.length < PAGE && (until || process || words.length)) older();
  }, [next, shown.length, until, process, sought]);
  return (
    <Section name="Timeline">
      <div class="row">
        <label>Filter <input type="search" value={sought} onInput={(event) => setSought(event.currentTarget.value)} /></label>
        <label>
          Process{" "}
          <select value={process} onChange={(event) => setProcess(event.currentTarget.value)}>
            <option value="">all</option>
            {PROCESSES.map((one) => <option key={one} value={one}>{one}</option>)}
          </select>
        </label>
        <label>Until <input type="datetime-local" step={1} value={until} onInput={(event) => setUntil(event.currentTarget.value)} /></label>
        <span aria-live="polite">{shown.length} of {happenings.length} loaded</span>
      </div>
      <p class="dim">A number leads to the division as it was then.</p>
      <Problem error={error} />
      {shown.length ? (
        <ol class="timeline">
          {shown.map((one) => (
            <li key={one.position}>
              <a class="number" href={placeOf(division, partOf(one), one.position)} aria-label={`As it was after event ${one.position}`}>{one.position}</a>
              <Time at={one.at} />
              <span>{one.sentence.replace(`${one.division}: `, "")} <span class="dim">{one.by}</span></span>
            </li>
          ))}
        </ol>
      ) : (
        isLoaded && <Empty>{happenings.length ? "Nothing that is loaded fits: change the filter." : "Nothing has happened yet: start a process."}</Empty>
      )}
      {next !== null && <button type="button" onClick={older}>Load older</button>}
    </Section>
  );
}

/** The page that shows most of what has happened. */
function partOf(happening: Fields): string {
  return happening.process?.endsWith("_division") ? happening.process.replace("_division", "") : "timeline";
}
