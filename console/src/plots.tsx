/** In units of the drawing, which is stretched to the room that there is; words beside it keep their size. */
const WIDTH = 1000;
const HEIGHT = 100;
const FAILURE_HEIGHT = 8;

export interface Sample {
  polled_at: string;
  passed: boolean;
  latency_ms: number;
}

/** How long polls took, over time; those that failed are marked at the bottom. */
export function LatencyPlot({ name, samples }: { name: string; samples: Sample[] }) {
  const inOrder = samples.toReversed();
  const times = inOrder.map((one) => Date.parse(one.polled_at));
  const [from = 0, to = 1] = [times[0], times.at(-1)];
  const passed = inOrder.filter((one) => one.passed).map((one) => one.latency_ms);
  const most = Math.max(Number.MIN_VALUE, ...passed);
  const x = (time: number) => ((time - from) / Math.max(1, to - from)) * WIDTH;
  const y = (ms: number) => (1 - ms / most) * HEIGHT;
  // A failure interrupts the line: nothing is known of what lies between.
  let isBroken = true;
  const line = inOrder
    .map((one, place) => {
      if (!one.passed) {
        isBroken = true;
        return "";
      }
      const step = `${isBroken ? "M" : "L"}${x(times[place] ?? 0).toFixed(1)} ${y(one.latency_ms).toFixed(1)}`;
      isBroken = false;
      return step;
    })
    .join("");
  const failures = inOrder.filter((one) => !one.passed).length;
  return (
    <figure class="latency">
      <span class="most">{passed.length ? ms(most) : "no poll has passed"}</span>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`Latency of ${name}: ${samples.length} polls, ${passed.length ? `at most ${ms(most)}` : "none has passed"}, ${failures} failed`}>
        <path class="line" d={line} />
        {inOrder.map((one, place) => !one.passed && <rect key={place} class="fail" x={x(times[place] ?? 0) - 1} y={HEIGHT - FAILURE_HEIGHT} width={3} height={FAILURE_HEIGHT} />)}
      </svg>
      <span>{new Date(from).toLocaleTimeString()}</span>
      <span>{new Date(to).toLocaleTimeString()}</span>
    </figure>
  );
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export interface Bar {
  label: string;
  value: number;
  said: string;
}

/** One bar for each row, with its value beside it; the table has the same in words. */
export function Bars({ name, rows }: { name: string; rows: Bar[] }) {
  const most = Math.max(Number.MIN_VALUE, ...rows.map((row) => row.value));
  return (
    <div class="bars" role="img" aria-label={`${name}: ${rows.map((one) => `${one.label} ${one.said}`).join(", ")}`}>
      {rows.map((one) => (
        <div key={one.label}>
          <span>{one.label}</span>
          <span class="bar" style={{ width: `${(one.value / most) * 100}%` }} />
          <span>{one.said}</span>
        </div>
      ))}
    </div>
  );
}

const DAY_MS = 24 * 3600 * 1000;
const MOST_DAYS = 90;

/** A bar for each day from the first to the last, also for those on which there was nothing. */
export function DayBars({ name, days }: { name: string; days: Bar[] }) {
  const known = new Map(days.map((one) => [one.label, one]));
  const times = days.map((one) => Date.parse(one.label));
  const last = Math.max(...times);
  const first = Math.max(Math.min(...times), last - (MOST_DAYS - 1) * DAY_MS);
  const count = Math.round((last - first) / DAY_MS) + 1;
  const all = Array.from({ length: count }, (_, place) => new Date(first + place * DAY_MS).toISOString().slice(0, 10));
  const most = Math.max(Number.MIN_VALUE, ...days.map((one) => one.value));
  return (
    <figure class="latency days">
      <span class="most">{days.find((one) => one.value === most)?.said ?? 0}</span>
      <svg viewBox={`0 0 ${Math.max(count, FEWEST_DAYS)} 100`} preserveAspectRatio="none" role="img" aria-label={`${name}: ${days.map((one) => `${one.label} ${one.said}`).join(", ")}`}>
        {all.map((day, place) => {
          const height = ((known.get(day)?.value ?? 0) / most) * 100;
          return <rect key={day} class="bar" x={place + 0.15} y={100 - height} width={0.7} height={height}><title>{day}: {known.get(day)?.said ?? "nothing"}</title></rect>;
        })}
      </svg>
      <span>{all[0]}</span>
      {count > 1 && <span>{all.at(-1)}</span>}
    </figure>
  );
}

/** So that the bar of an only day is no wall. */
const FEWEST_DAYS = 7;
