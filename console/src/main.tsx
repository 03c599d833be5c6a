import { render } from "preact";
import { useEffect, useState } from "preact/hooks";

import { begin } from "./api";
import { Board, Ventures } from "./board";
import { Division } from "./division";
import { Events } from "./events";
import { usePlace } from "./hooks";
import { Job, Jobs } from "./jobs";
import { type Connection, follow, newest, onConnection } from "./live";
import { Mesh } from "./mesh";
import { Models } from "./models";
import { Notes } from "./notes";
import { Empty, Title, Word } from "./parts";

const PAGES = [
  ["", "Board"],
  ["jobs", "Jobs"],
  ["events", "Events"],
  ["models", "Models"],
  ["mesh", "Mesh"],
] as const;

const TOLD: Record<Connection, string> = {
  connecting: "Connecting to the daemon.",
  live: "Changes are shown as they happen.",
  lost: "The daemon does not answer; trying again. If it was restarted, open the console again with `hecate console`.",
  ended: "The session has ended: open the console again with `hecate console`.",
};

function Console() {
  const [page = "", id = "", part = "", at = ""] = usePlace();
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => onConnection(setConnection), []);
  const section = page === "venture" || page === "division" ? "" : page;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the content</a>
      <header>
        <span class="name">Hecate</span>
        <nav aria-label="Main">
          {PAGES.map(([path, name]) => <a key={path} href={`#/${path}`} aria-current={section === path ? "page" : undefined}>{name}</a>)}
        </nav>
        <span class="connection" role="status" title={TOLD[connection]}><Word>{connection}</Word><span class="unseen">{TOLD[connection]}</span></span>
      </header>
      <main id="main" tabIndex={-1}>
        {(connection === "lost" || connection === "ended") && <p role="alert" class="problem">{TOLD[connection]}</p>}
        {pageOf(page, id, part, at)}
      </main>
      <Notes />
    </>
  );
}

function pageOf(page: string, id: string, part: string, at: string) {
  switch (page) {
    case "":
      return <Ventures />;
    case "venture":
      return <Board key={id} id={id} />;
    case "division":
      return <Division key={id} id={id} part={part} at={/^\d+$/.test(at) ? Number(at) : null} />;
    case "models":
      return <Models />;
    case "mesh":
      return <Mesh />;
    case "jobs":
      return id ? <Job key={id} id={id} /> : <Jobs />;
    case "events":
      return <Events />;
    default:
      return <><Title name="Nothing here" /><Empty>There is no such page. <a href="#/">Go to the board</a>.</Empty></>;
  }
}

function NoSession({ error }: { error: Error }) {
  return (
    <main>
      <Title name="Open the console again" />
      <p role="alert">{error.message}.</p>
      <p>A page keeps its session for itself, so that reloading it ends it. In a terminal:</p>
      <pre>hecate console</pre>
    </main>
  );
}

const root = document.getElementById("console");
if (root) {
  // The position first: what happens while the first page is asked for must not be missed.
  begin().then(newest).then(
    (position) => {
      render(<Console />, root);
      void follow(position);
    },
    (error: Error) => render(<NoSession error={error} />, root),
  );
}
