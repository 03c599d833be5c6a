import { useEffect, useRef, useState } from "preact/hooks";

import { ApiError, type Fields, post, stream } from "./api";
import { useFetched } from "./hooks";
import { note } from "./notes";
import { type Column, Dialog, Empty, Loaded, Problem, Section, Table, Time, Title, Word } from "./parts";

const POLL_MS = 2000;
const MOST_LINES = 5000;
const UNFINISHED = new Set(["queued", "running"]);

export function Jobs() {
  const [after, setAfter] = useState<string[]>([]);
  const page = after.at(-1);
  const fetched = useFetched(`/api/jobs?limit=50${page ? `&after=${page}` : ""}`, () => true, POLL_MS);
  const columns: Column<Fields>[] = [
    { head: "Job", cell: (job) => <a href={`#/jobs/${job.id}`}>{job.action} <span class="unseen">{job.id}</span></a> },
    { head: "Process", cell: (job) => job.process.replace(/_divisions?$/, "") },
    { head: "State", cell: (job) => <Word>{job.state}</Word> },
    { head: "Progress", cell: (job) => job.error ?? `${job.total ? `${job.done ?? 0}/${job.total} ` : ""}${job.message}` },
    { head: "Asked for", cell: (job) => <Time at={job.created_at} /> },
    { head: "Took", cell: (job) => took(job.duration_ms), number: true },
  ];
  return (
    <>
      <Title name="Jobs" />
      <Loaded from={fetched}>
        {({ jobs, next }) => (
          <>
            {jobs.length ? <section class="card" aria-label="All jobs"><Table isWide caption="Jobs, the newest first" columns={columns} rows={jobs as Fields[]} keyOf={(job) => job.id} /></section> : <Empty>No job has run yet. Generating code, running tests and deploying are jobs: begin one on a division's page.</Empty>}
            <div class="row">
              {page && <button type="button" onClick={() => setAfter(after.slice(0, -1))}>Newer</button>}
              {next && jobs.length === 50 && <button type="button" onClick={() => setAfter([...after, next])}>Older</button>}
            </div>
          </>
        )}
      </Loaded>
    </>
  );
}

export function Job({ id }: { id: string }) {
  const fetched = useFetched(`/api/jobs/${id}`, null);
  const [lines, setLines] = useState<string[]>([]);
  const [now, setNow] = useState<Fields>({});
  const [error, setError] = useState<Error | null>(null);
  const [asks, setAsks] = useState(false);
  useEffect(() => {
    const ending = new AbortController();
    setLines([]);
    setNow({});
    let come: string[] = [];
    let frame = 0;
    // A job may write faster than a page is drawn.
    const write = (...more: string[]) => {
      come.push(...more);
      frame ||= requestAnimationFrame(() => {
        const lines = come.slice(-MOST_LINES);
        come = [];
        frame = 0;
        setLines((all) => [...all, ...lines].slice(-MOST_LINES));
      });
    };
    void (async () => {
      try {
        for await (const piece of stream(`/api/jobs/${id}/stream`, { signal: ending.signal })) {
          const told = JSON.parse(piece.data) as Fields;
          if (told.type === "output") write(told.line);
          else if (told.type === "skipped") write(`… ${told.lines} lines left out …`);
          else if (told.type === "done") setNow({ ...told.job, state: told.state });
          else setNow((was) => ({ ...was, ...told }));
        }
      } catch (wrong) {
        if (!ending.signal.aborted) setError(wrong as Error);
      }
    })();
    return () => {
      ending.abort();
      cancelAnimationFrame(frame);
    };
  }, [id]);
  const job: Fields | null = fetched.value && { ...(fetched.value.job ?? fetched.value), ...now };
  async function cancel() {
    setAsks(false);
    try {
      await post(`/api/jobs/${id}/cancel`);
      note("The job is cancelled.");
    } catch (wrong) {
      setError(wrong as ApiError);
    }
  }
  return (
    <>
      <p class="back"><a href="#/jobs">All jobs</a></p>
      <Title name={job ? `Job: ${job.action}` : "Job"}>
        {job && UNFINISHED.has(job.state) && <button type="button" class="grave" aria-haspopup="dialog" onClick={() => setAsks(true)}>Cancel the job</button>}
      </Title>
      <Problem error={error ?? fetched.error} />
      {job && (
        <dl class="figures" aria-live="polite">
          <div><dt>State</dt><dd><Word>{job.state}</Word></dd></div>
          <div><dt>Process</dt><dd>{job.division_id ? <a href={`#/division/${job.division_id}/${job.process.replace(/_divisions?$/, "")}`}>{job.process.replace(/_divisions?$/, "")}</a> : job.process}</dd></div>
          <div><dt>Progress</dt><dd>{job.total ? `${job.done ?? 0}/${job.total} ` : ""}{job.message}</dd></div>
          <div><dt>Asked for</dt><dd><Time at={job.created_at} /></dd></div>
          {job.duration_ms != null && <div><dt>Took</dt><dd>{took(job.duration_ms)}</dd></div>}
        </dl>
      )}
      {job?.error && <p class="problem">{typeof job.error === "string" ? job.error : job.error.error}</p>}
      <Section name="Output"><Output lines={lines} /></Section>
      {asks && (
        <Dialog name="Cancel the job?" onClose={() => setAsks(false)}>
          <p>All that it has started is ended. What it has written so far stays.</p>
          <div class="row"><button type="button" class="grave" onClick={cancel}>Cancel the job</button><button type="button" onClick={() => setAsks(false)}>Let it go on</button></div>
        </Dialog>
      )}
    </>
  );
}

/** Lines that are followed to the end, unless the reader has scrolled up. */
function Output({ lines }: { lines: string[] }) {
  const box = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (isAtEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return lines.length ? (
    <pre ref={box} class="output" tabIndex={0} role="log" aria-label="Output of the job" onScroll={({ currentTarget: at }) => (isAtEnd.current = at.scrollHeight - at.scrollTop - at.clientHeight < 20)}>{lines.join("\n")}</pre>
  ) : (
    <Empty>The job has printed nothing so far.</Empty>
  );
}

export function took(ms: number | null): string {
  if (ms === null || ms === undefined) return "";
  return ms < 1000 ? `${ms} ms` : ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
