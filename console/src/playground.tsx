import { useRef, useState } from "preact/hooks";

import { type Fields, stream } from "./api";
import { Section } from "./parts";
import { dollars } from "./usage";

interface Said {
  text: string;
  state: "idle" | "writing" | "done" | "failed";
  firstMs: number | null;
  allMs: number | null;
  end: Fields;
}

const NOTHING: Said = { text: "", state: "idle", firstMs: null, allMs: null, end: {} };

/** The same question to one model or two, side by side. */
export function Playground({ models, usual, onAnswered }: { models: Fields[]; usual: string | undefined; onAnswered: () => void }) {
  const names = models.map((one) => String(one.id ?? one.name));
  const [chosen, setChosen] = useState([usual ?? names[0] ?? "", ""]);
  const [said, setSaid] = useState([NOTHING, NOTHING]);
  const [question, setQuestion] = useState("");
  const ending = useRef<AbortController | null>(null);
  const isBusy = said.some((one) => one.state === "writing");
  const change = (side: number, how: (was: Said) => Said) => setSaid((all) => all.map((one, place) => (place === side ? how(one) : one)));

  async function ask(side: number, signal: AbortSignal) {
    const began = performance.now();
    change(side, () => ({ ...NOTHING, state: "writing" }));
    try {
      const body = { model: chosen[side], messages: [{ role: "user", content: question }], stream: true };
      for await (const piece of stream("/api/llm/chat", { signal, body })) {
        if (piece.data === "[DONE]") break;
        const chunk = JSON.parse(piece.data) as Fields;
        if (chunk.error) throw new Error(chunk.error);
        const now = performance.now() - began;
        change(side, (was) => ({ ...was, text: was.text + (chunk.content ?? ""), firstMs: was.firstMs ?? (chunk.content ? now : null), end: chunk.done ? chunk : was.end }));
      }
      change(side, (was) => ({ ...was, state: "done", allMs: performance.now() - began }));
      onAnswered();
    } catch (error) {
      const told = signal.aborted ? "stopped" : (error as Error).message;
      change(side, (was) => ({ ...was, state: "failed", end: { error: told } }));
    }
  }
  function submit(event: SubmitEvent) {
    event.preventDefault();
    ending.current = new AbortController();
    setSaid([NOTHING, NOTHING]);
    for (const side of [0, 1]) if (chosen[side]) void ask(side, ending.current.signal);
  }
  return (
    <Section name="Playground">
      <form onSubmit={submit}>
        <div class="row">
          {[0, 1].map((side) => (
            <label key={side}>
              {side ? "beside" : "Ask"}{" "}
              <select value={chosen[side]} onChange={(event) => { const name = event.currentTarget.value; setChosen((all) => all.map((one, place) => (place === side ? name : one))); }}>
                {side === 1 && <option value="" selected={!chosen[1]}>nobody</option>}
                {names.map((name) => <option key={name} value={name} selected={chosen[side] === name}>{name}</option>)}
              </select>
            </label>
          ))}
        </div>
        <div class="field">
          <label for="question">Question</label>
          <textarea id="question" rows={3} required value={question} onInput={(event) => setQuestion(event.currentTarget.value)} onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit(); }} />
          <small>Ctrl+Enter sends it</small>
        </div>
        <div class="row">
          <button type="submit" class="main" disabled={isBusy}>Send</button>
          {isBusy && <button type="button" onClick={() => ending.current?.abort()}>Stop</button>}
        </div>
      </form>
      <div class="two">
        {[0, 1].map((side) => said[side] && said[side].state !== "idle" && <Spoken key={side} model={chosen[side] ?? ""} said={said[side]} />)}
      </div>
    </Section>
  );
}

function Spoken({ model, said }: { model: string; said: Said }) {
  const usage = said.end.usage;
  const seconds = said.allMs !== null && said.firstMs !== null ? (said.allMs - said.firstMs) / 1000 : 0;
  return (
    <article class="card" aria-label={`Answer of ${model}`} aria-busy={said.state === "writing"}>
      <h3>{model}</h3>
      <p class="answer" aria-live="polite">{said.text || (said.state === "writing" ? "…" : "")}</p>
      {said.end.error && <p role="alert" class="problem">{said.end.error}</p>}
      <dl class="figures">
        {said.firstMs !== null && <div><dt>First token</dt><dd>{Math.round(said.firstMs)} ms</dd></div>}
        {said.allMs !== null && <div><dt>All of it</dt><dd>{Math.round(said.allMs)} ms</dd></div>}
        {usage && <div><dt>Tokens</dt><dd>{usage.prompt_tokens} in, {usage.completion_tokens} out</dd></div>}
        {usage && seconds > 0 && <div><dt>Tokens/s</dt><dd>{(usage.completion_tokens / seconds).toFixed(1)}</dd></div>}
        {said.state === "done" && <div><dt>Cost</dt><dd>{said.end.cost_usd == null ? "not known yet" : dollars(said.end.cost_usd)}</dd></div>}
      </dl>
    </article>
  );
}
