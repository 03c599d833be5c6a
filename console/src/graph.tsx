import type { Fields } from "./api";

const BOX_WIDTH = 170;
const BOX_HEIGHT = 40;
const GAP_X = 50;
const GAP_Y = 16;
/** Where there is no room for all of it, it is this much smaller, and scrolls. */
const SMALLEST = 0.8;

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
      <svg class="plot" viewBox={`0 0 ${width} ${height}`} style={{ maxWidth: `${width}px`, minWidth: `${Math.round(width * SMALLEST)}px` }} role="img" aria-label={`${nodes.length} desks, ${edges.length} dependencies; the table below has them in words`}>
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
