/** What a commit has changed, file by file. */

import { useMemo, useState } from "preact/hooks";

import { useFetched } from "./hooks";
import { Empty, Loaded, count } from "./parts";

const MOST_LINES = 1000;
const FEW_FILES = 3;

interface ChangedFile {
  path: string;
  what: string;
  lines: string[];
  added: number;
  removed: number;
}

/** A commit that the division's jobs have made; asked for when it is opened. */
export function Changes({ division, commit, isNewest }: { division: string; commit: string; isNewest?: boolean }) {
  const [isOpen, setOpen] = useState(isNewest ?? false);
  return (
    <details open={isNewest} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>What has changed, commit <code>{commit.slice(0, 10)}</code></summary>
      {isOpen && <Commit division={division} commit={commit} />}
    </details>
  );
}

function Commit({ division, commit }: { division: string; commit: string }) {
  const fetched = useFetched(`/api/divisions/${division}/commits/${commit}`, null);
  const files = useMemo(() => filesOf(fetched.value?.diff ?? ""), [fetched.value]);
  return (
    <Loaded from={fetched}>
      {({ subject, truncated }) => (
        <>
          <p>{subject}: {count(files.length, "file")}, {count(sum(files, "added"), "line")} added, {sum(files, "removed")} removed</p>
          {files.length === 0 && <Empty>The commit has changed no file of the workspace.</Empty>}
          {files.map((file) => <File key={file.path} file={file} isOpen={files.length <= FEW_FILES} />)}
          {truncated && <p class="problem">The rest is too long to be shown: <code>git show {commit}</code></p>}
        </>
      )}
    </Loaded>
  );
}

function File({ file, isOpen }: { file: ChangedFile; isOpen: boolean }) {
  const [isShown, setShown] = useState(isOpen);
  const [most, setMost] = useState(MOST_LINES);
  return (
    <details class="changed" open={isOpen} onToggle={(event) => event.currentTarget.open && setShown(true)}>
      <summary><code>{file.path}</code> {file.what} <span class="good">+{file.added}</span> <span class="bad">−{file.removed}</span></summary>
      {isShown && <DiffLines name={file.path} lines={file.lines.slice(0, most)} />}
      {isShown && file.lines.length > most && <button type="button" onClick={() => setMost(Number.POSITIVE_INFINITY)}>Show all {file.lines.length} lines</button>}
    </details>
  );
}

/** Lines of a unified diff; the colour says nothing that the first sign of a line does not. */
export function DiffLines({ name, lines }: { name: string; lines: string[] }) {
  return (
    <pre class="diff" tabIndex={0} role="region" aria-label={`Changes of ${name}`}>
      {lines.map((line, place) => <span key={place} class={TONES[line[0] ?? ""] ?? ""}>{line}{"\n"}</span>)}
    </pre>
  );
}

const TONES: Record<string, string> = { "+": "added", "-": "removed", "@": "place" };

function filesOf(diff: string): ChangedFile[] {
  return diff
    .split(/^(?=diff --git )/m)
    .filter((text) => text.startsWith("diff --git "))
    .map((text) => {
      const lines = text.trimEnd().split("\n");
      const from = lines.findIndex((line) => line.startsWith("@@"));
      const [head, body] = from < 0 ? [lines, []] : [lines.slice(0, from), lines.slice(from)];
      const what = head.some((line) => line.startsWith("new file")) ? "new" : head.some((line) => line.startsWith("deleted file")) ? "removed" : "";
      return {
        path: pathOf(head, what),
        what,
        lines: body.length ? body : head.slice(1),
        added: body.filter((line) => line.startsWith("+")).length,
        removed: body.filter((line) => line.startsWith("-")).length,
      };
    });
}

function pathOf(head: string[], what: string): string {
  const [sign, prefix] = what === "removed" ? ["--- ", "a/"] : ["+++ ", "b/"];
  const named = head.find((line) => line.startsWith(sign));
  // An empty file has no such lines; both its names are in the first one, and are the same.
  return named ? named.slice(sign.length).replace(prefix, "") : (head[0] ?? "").slice("diff --git a/".length).split(" b/")[0] ?? "";
}

function sum(files: ChangedFile[], which: "added" | "removed"): number {
  return files.reduce((all, file) => all + file[which], 0);
}
