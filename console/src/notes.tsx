/** Short notes of what was done, said aloud by screen readers. */

import { useEffect, useState } from "preact/hooks";

interface Note {
  id: number;
  text: string;
  link?: { href: string; text: string };
}

const SHOWN_MS = 10_000;
let newest = 0;
let show: (note: Note) => void = () => undefined;

export function note(text: string, link?: { href: string; text: string }) {
  show({ id: ++newest, text, ...(link && { link }) });
}

export function Notes() {
  const [notes, setNotes] = useState<Note[]>([]);
  const drop = (id: number) => setNotes((all) => all.filter((one) => one.id !== id));
  useEffect(() => {
    show = (one) => {
      setNotes((all) => [...all.slice(-3), one]);
      setTimeout(() => drop(one.id), SHOWN_MS);
    };
  }, []);
  return (
    <div class="notes" role="status" aria-live="polite">
      {notes.map((one) => (
        <p key={one.id}>
          {one.text} {one.link && <a href={one.link.href}>{one.link.text}</a>}
          <button type="button" aria-label="Dismiss" onClick={() => drop(one.id)}>✕</button>
        </p>
      ))}
    </div>
  );
}
