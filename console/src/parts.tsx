import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

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
  open: "good", completed: "done", paused: "warn", degraded: "warn", cancelled: "warn", interrupted: "warn", lost: "warn", connecting: "warn",
  down: "bad", unhealthy: "bad", failed: "bad", error: "bad", timed_out: "bad", overspent: "bad", sev1: "bad", sev2: "bad", ended: "bad", sev3: "warn", closed: "warn",
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

export function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? "unknown" : `${Math.round(value * 100) / 100} %`;
}

/** A number of things, in words. */
export function count(number: number, thing: string): string {
  return `${number.toLocaleString()} ${number === 1 ? thing : `${thing}s`}`;
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
  /** What stands above the column where more than its name does. */
  headed?: ComponentChildren;
  cell: (row: Row) => ComponentChildren;
  number?: boolean;
}

const PAGE_ROWS = 100;

/**
 * A table that scrolls by itself where it is too wide, and shows 100 rows at a time.
 *
 * Where there is little room (for a wide one, sooner) each row is a block of its own, with the heads beside the cells;
 * the roles keep it a table for screen readers, whatever the style sheet makes of it.
 */
export function Table<Row>({ caption, columns, rows, keyOf, isWide }: { caption: string; columns: Column<Row>[]; rows: Row[]; keyOf: (row: Row) => string | number; isWide?: boolean }) {
  const [page, setPage] = useState(0);
  const last = Math.max(0, Math.ceil(rows.length / PAGE_ROWS) - 1);
  const now = Math.min(page, last);
  return (
    <>
      <div class={isWide ? "scroll wide" : "scroll"} tabIndex={0} role="region" aria-label={`${caption}, as a table`}>
        <table role="table">
          <caption class="unseen">{caption}</caption>
          <thead role="rowgroup">
            <tr role="row">{columns.map((column) => <th key={column.head} role="columnheader" scope="col" class={column.number ? "number" : ""}>{column.headed ?? column.head}</th>)}</tr>
          </thead>
          <tbody role="rowgroup">
            {rows.slice(now * PAGE_ROWS, (now + 1) * PAGE_ROWS).map((row) => (
              <tr key={keyOf(row)} role="row">
                {columns.map((column, place) => {
                  const cell = <div class="cell">{column.cell(row)}</div>;
                  return place === 0
                    ? <th key={column.head} role="rowheader" scope="row">{cell}</th>
                    : <td key={column.head} role="cell" data-head={column.head} class={column.number ? "number" : ""}>{cell}</td>;
                })}
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
  const id = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    // It leaves the document before it could give the focus back; until it has, nothing else can take it.
    return () => void setTimeout(() => before?.focus());
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onCancel={onClose} onClose={onClose}>
      <div class="title">
        <h2 id={id}>{name}</h2>
        <button type="button" aria-label="Close" onClick={onClose}>✕</button>
      </div>
      {children}
    </dialog>
  );
}
