import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { Fetched } from "./hooks";

/** The head of a page: it takes the focus when the page is entered, so that a screen reader says where one is. */
export function Title({ children, name }: { children?: ComponentChildren; name: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${name} · Hecate`;
    heading.current?.focus({ preventScroll: true });
  }, [name]);
  return (
    <div class="title">
      <h1 ref={heading} tabIndex={-1}>
        {name}
      </h1>
      {children}
    </div>
  );
}

export function Section({ name, children, beside }: { name: string; children: ComponentChildren; beside?: ComponentChildren }) {
  const id = `s-${name.toLowerCase().replace(/\W+/g, "-")}`;
  return (
    <section aria-labelledby={id} class="card">
      <div class="title">
        <h2 id={id}>{name}</h2>
        {beside && <div class="row">{beside}</div>}
      </div>
      {children}
    </section>
  );
}

const TONES: Record<string, string> = {
  active: "good", healthy: "good", ok: "good", passed: "good", succeeded: "good", running: "good", connected: "good", live: "good",
  completed: "done", paused: "warn", degraded: "warn", cancelled: "warn", interrupted: "warn", lost: "warn", connecting: "warn",
  down: "bad", unhealthy: "bad", failed: "bad", error: "bad", timed_out: "bad", overspent: "bad", sev1: "bad", sev2: "bad", ended: "bad", sev3: "warn",
};

/** A word of the domain, with a colour that says nothing that the word does not. */
export function Word({ children }: { children: string }) {
  return <span class={`word ${TONES[children] ?? "plain"}`}>{children.replaceAll("_", " ")}</span>;
}

export function Time({ at }: { at: string | null | undefined }) {
  if (!at) return null;
  const time = new Date(at);
  const today = time.toDateString() === new Date().toDateString();
  return (
    <time dateTime={at} title={at}>
      {today ? time.toLocaleTimeString() : time.toLocaleString()}
    </time>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Problem({ error }: { error: Error | null }) {
  return error && <p role="alert" class="problem">{error.message}</p>;
}

/** What was asked for, once it is there; beside it what went wrong. */
export function Loaded({ from, children }: { from: Fetched; children: (value: Record<string, any>) => ComponentChildren }) {
  return (
    <>
      <Problem error={from.error} />
      {from.value ? children(from.value) : !from.error && <p class="empty" aria-busy="true">Loading…</p>}
    </>
  );
}

export interface Column<Row> {
  head: string;
  cell: (row: Row) => ComponentChildren;
  number?: boolean;
}

const PAGE_ROWS = 100;

/** A table that scrolls by itself where the window is narrow, and shows 100 rows at a time. */
export function Table<Row>({ caption, columns, rows, keyOf }: { caption: string; columns: Column<Row>[]; rows: Row[]; keyOf: (row: Row) => string | number }) {
  const [page, setPage] = useState(0);
  const last = Math.max(0, Math.ceil(rows.length / PAGE_ROWS) - 1);
  const now = Math.min(page, last);
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={`${caption}, as a table`}>
        <table>
          <caption class="unseen">{caption}</caption>
          <thead>
            <tr>{columns.map((column) => <th key={column.head} scope="col" class={column.number ? "number" : ""}>{column.head}</th>)}</tr>
          </thead>
          <tbody>
            {rows.slice(now * PAGE_ROWS, (now + 1) * PAGE_ROWS).map((row) => (
              <tr key={keyOf(row)}>
                {columns.map((column, place) =>
                  place === 0 ? <th key={column.head} scope="row">{column.cell(row)}</th> : <td key={column.head} class={column.number ? "number" : ""}>{column.cell(row)}</td>,
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {last > 0 && (
        <nav class="row" aria-label={`Pages of ${caption}`}>
          <button type="button" disabled={now === 0} onClick={() => setPage(now - 1)}>Previous</button>
          <span aria-live="polite">{now * PAGE_ROWS + 1} to {Math.min(rows.length, (now + 1) * PAGE_ROWS)} of {rows.length}</span>
          <button type="button" disabled={now === last} onClick={() => setPage(now + 1)}>Next</button>
        </nav>
      )}
    </>
  );
}

/** A window above the page: `dialog` keeps the focus in it, and Escape closes it. */
export function Dialog({ name, onClose, children }: { name: string; onClose: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    // It leaves the document before it could give the focus back; until it has, nothing else can take it.
    return () => void setTimeout(() => before?.focus());
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-name" onCancel={onClose} onClose={onClose}>
      <div class="title">
        <h2 id="dialog-name">{name}</h2>
        <button type="button" aria-label="Close" onClick={onClose}>✕</button>
      </div>
      {children}
    </dialog>
  );
}
