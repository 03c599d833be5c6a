import { useState } from "preact/hooks";

import type { Fields } from "./api";
import { CommandButton } from "./commands";
import { useFetched } from "./hooks";
import { type Column, Empty, Loaded, Section, Table, Title, Word } from "./parts";
import { Playground } from "./playground";
import { Usage } from "./usage";

const POLL_MS = 10_000;
const MANY = 10;

export function Models() {
  const health = useFetched("/api/llm/health", null, POLL_MS);
  const models = useFetched("/api/llm/models", null, POLL_MS);
  const [asked, setAsked] = useState(0);
  const again = () => [health, models].forEach((one) => one.again());
  const providerColumns: Column<[string, Fields]>[] = [
    { head: "Provider", cell: ([name]) => name },
    { head: "Status", cell: ([, one]) => <Word>{one.status}</Word> },
    { head: "Models", cell: ([, one]) => one.models, number: true },
    { head: "Latency", cell: ([, one]) => (one.latency_ms == null ? "" : `${one.latency_ms} ms`), number: true },
    { head: "Circuit", cell: ([, one]) => one.circuit && one.circuit !== "closed" && <Word>{one.circuit}</Word> },
    { head: "Remark", cell: ([, one]) => one.error && <span class="broken">{one.error}</span> },
  ];
  const add = <CommandButton target={{ template: "/api/llm/providers/add", ids: {}, name: "Add a provider", onDone: again }} />;
  const all = (models.value?.models ?? []) as Fields[];
  return (
    <>
      <Title name="Models">{add}</Title>
      <Section name="Providers">
        <Loaded from={health}>{({ providers }) => <Table caption="Providers" columns={providerColumns} rows={Object.entries(providers as Record<string, Fields>)} keyOf={([name]) => name} />}</Loaded>
      </Section>
      {all.length > 0 && <Playground models={all} usual={models.value?.default} onAnswered={() => setAsked((times) => times + 1)} />}
      <Section name="Models to choose from">
        <Loaded from={models}>{() => (all.length ? <Choice models={all} /> : <Empty>No provider has a model yet. Start Ollama, or add a provider above.</Empty>)}</Loaded>
      </Section>
      <Usage asked={asked} />
    </>
  );
}

function Choice({ models }: { models: Fields[] }) {
  const [sought, setSought] = useState("");
  const columns: Column<Fields>[] = [
    { head: "Model", cell: (one) => one.id ?? one.name },
    { head: "Size", cell: (one) => one.size },
    { head: "Context", cell: (one) => one.context_length?.toLocaleString(), number: true },
    { head: "Can", cell: (one) => one.capabilities?.join(", ") },
  ];
  return (
    <>
      {models.length > MANY && <label class="row">Find <input type="search" value={sought} onInput={(event) => setSought(event.currentTarget.value)} /></label>}
      <Table caption="Models" columns={columns} rows={models.filter((one) => String(one.id ?? one.name).toLowerCase().includes(sought.toLowerCase()))} keyOf={(one) => one.id ?? one.name} />
    </>
  );
}
