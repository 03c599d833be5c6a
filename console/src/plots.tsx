import type { Fields } from "./api";

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
  const most = Math.max(1, ...inOrder.filter((one) => one.passed).map((one) => one.latency_ms));
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
      <span class="most">{Math.round(most)} ms</span>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`Latency of ${name}: ${samples.length} polls, at most ${Math.round(most)} ms, ${failures} failed`}>
        <path class="line" d={line} />
        {inOrder.map((one, place) => !one.passed && <rect key={place} class="fail" x={x(times[place] ?? 0) - 1} y={HEIGHT - FAILURE_HEIGHT} width={3} height={FAILURE_HEIGHT} />)}
      </svg>
      <span>{new Date(from).toLocaleTimeString()}</span>
      <span>{new Date(to).toLocaleTimeString()}</span>
    </figure>
  );
}

const BOX_WIDTH = 170;
const BOX_HEIGHT = 40;
const GAP_X = 50;
const GAP_Y = 16;

/** The desks in columns: each stands right of all that it needs. */
export function DeskGraph({ nodes, edges }: { nodes: Fields[]; edges: Fields[] }) {
  const needs = new Map<string, string[]>();
  for (const edge of edges) needs.set(edge.from_desk_id, [...(needs.get(edge.from_desk_id) ?? []), edge.to_desk_id]);
  const columns = new Map<string, number>();
  const columnOf = (id: string, path: Set<string>): number => {
    const known = columns.get(id);
    if (known !== undefined) return known;
    // The daemon refuses circles; a picture must not hang if there is one all the same.
    if (path.has(id)) return 0;
    const column = Math.max(-1, ...(needs.get(id) ?? []).map((need) => columnOf(need, new Set([...path, id])))) + 1;
    columns.set(id, column);
    return column;
  };
  const heights: number[] = [];
  const places = new Map<string, { x: number; y: number }>();
  for (const node of nodes) {
    const column = columnOf(node.desk_id, new Set());
    const row = heights[column] ?? 0;
    heights[column] = row + 1;
    places.set(node.desk_id, { x: column * (BOX_WIDTH + GAP_X) + 2, y: row * (BOX_HEIGHT + GAP_Y) + 2 });
  }
  const width = heights.length * (BOX_WIDTH + GAP_X) - GAP_X + 4;
  const height = Math.max(...heights) * (BOX_HEIGHT + GAP_Y) - GAP_Y + 4;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Desk graph">
      <svg class="plot" viewBox={`0 0 ${width} ${height}`} style={{ maxWidth: `${width}px`, minWidth: `${Math.min(width, 320)}px` }} role="img" aria-label={`${nodes.length} desks, ${edges.length} dependencies; the table below has them in words`}>
        {edges.map((edge) => {
          const [from, to] = [places.get(edge.to_desk_id), places.get(edge.from_desk_id)];
          if (!from || !to) return null;
          const [x1, y1, x2, y2] = [from.x + BOX_WIDTH, from.y + BOX_HEIGHT / 2, to.x, to.y + BOX_HEIGHT / 2];
          return <path key={`${edge.from_desk_id}${edge.to_desk_id}`} class="edge" d={`M${x1} ${y1}C${x1 + GAP_X / 2} ${y1} ${x2 - GAP_X / 2} ${y2} ${x2} ${y2}m-6 -4l6 4l-6 4`} />;
        })}
        {nodes.map((node) => {
          const place = places.get(node.desk_id);
          return place && (
            <g key={node.desk_id} transform={`translate(${place.x} ${place.y})`}>
              <rect class="node" width={BOX_WIDTH} height={BOX_HEIGHT} rx={6} />
              <text class="node-name" x={8} y={17}>{short(node.desk_name)}</text>
              <text x={8} y={32}>{node.desk_type} {node.priority}</text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}

function short(name: string): string {
  return name.length > 24 ? `${name.slice(0, 23)}…` : name;
}

/** One bar for each row, with its value beside it; the table has the same in words. */
export function Bars({ name, rows }: { name: string; rows: { label: string; value: number; said: string }[] }) {
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
