import { Changes } from "./changes";
import type { Fields } from "./api";
import { concerning, useItems } from "./hooks";
import { Empty, Problem, Section, Table, Time, count } from "./parts";

const MOST = 100;

export function Generated({ id }: { id: string }) {
  const { items, isLoaded, error } = useItems(`/api/divisions/${id}/generations`, "generations", concerning(id));
  const newest = items.filter((one) => one.files).toReversed();
  return (
    <Section name="Generated files">
      <Problem error={error} />
      {newest.length
        ? newest.slice(0, MOST).map((one, place) => (
            <details key={one.position} class="process" open={place === 0}>
              <summary>
                <b>{one.desk_name ? `Desk ${one.desk_name}` : `Skeleton of ${one.project}`}</b>: {count(one.files.length, "file")} <Time at={one.recorded_at} />
                {one.model && ` by ${one.model}`}
              </summary>
              {one.conflicts?.length > 0 && <p class="problem">Left as they were, since somebody has changed them: {one.conflicts.join(", ")}. The job's output shows what would have been written.</p>}
              {one.rolled_back && <p class="problem">The model's body is not there: {one.rolled_back}</p>}
              {one.commit ? <Changes division={id} commit={one.commit} isNewest={place === 0} /> : <Empty>Nothing was written: all was there already.</Empty>}
              <details>
                <summary>All {one.files.length} files, with their checksums</summary>
                <Table
                  caption={`Files of ${one.desk_name ?? one.project}`}
                  columns={[
                    { head: "File", cell: (file: Fields) => <code>{file.path}</code> },
                    { head: "Bytes", cell: (file: Fields) => file.bytes, number: true },
                    { head: "SHA-256", cell: (file: Fields) => <code>{file.sha256.slice(0, 12)}</code> },
                  ]}
                  rows={one.files as Fields[]}
                  keyOf={(file) => file.path}
                />
              </details>
            </details>
          ))
        : isLoaded && <Empty>Nothing is generated yet: start generating, then the skeleton, then a desk.</Empty>}
      {newest.length > MOST && <p class="dim">The newest {MOST} of {newest.length} are shown; all are in the timeline.</p>}
    </Section>
  );
}
