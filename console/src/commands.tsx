/** Every command as a form that is made of what the daemon says of it. */

import { useEffect, useId, useState } from "preact/hooks";

import { type Fields, post } from "./api";
import { type Described, type Field, describe, meaning } from "./fields";
import { note } from "./notes";
import { Dialog, Problem } from "./parts";
import { type Suggestion, suggestionsFor } from "./suggestions";

/** The last words of the paths of what cannot be undone; a completed discovery is not started again either. */
const FOR_GOOD = /\/(archive|retire|close|discovery\/complete)$/;
/** These begin again with the division's next iteration only. */
const FOR_NOW = /\/(design|plan|generate|test|deploy)\/complete$/;

/** What somebody must say who sends the command; null: nothing. */
function confirmed(template: string): string | null {
  if (FOR_GOOD.test(template)) return "I know that this cannot be undone";
  return FOR_NOW.test(template) ? "I know that it is started again only after a redesign is escalated" : null;
}

/** What is not shown while it is typed. */
const SECRET = /(^|_)(key|secret|password|invitation)$/;

export interface Target {
  /** As in the OpenAPI document. */
  template: string;
  ids: Record<string, string>;
  name: string;
  preset?: Record<string, string>;
  onDone?: (answer: Fields) => void;
}

export function pathOf(target: Target): string {
  return target.template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(target.ids[name] ?? ""));
}

/** A button for each of the actions that are possible now. */
export function Actions({ actions, base, ids, of }: { actions: string[]; base: string; ids: Record<string, string>; of: string }) {
  return (
    <div class="row actions" role="group" aria-label={`Commands of ${of}`}>
      {actions.map((action) => (
        <CommandButton key={action} target={{ template: `${base}/${action}`, ids, name: action.replaceAll(/[/_]/g, " ") }} of={of} />
      ))}
    </div>
  );
}

export function CommandButton({ target, of }: { target: Target; of?: string }) {
  const [open, setOpen] = useState(false);
  const isForGood = FOR_GOOD.test(target.template);
  return (
    <>
      <button type="button" class={isForGood ? "grave" : ""} aria-haspopup="dialog" onClick={() => setOpen(true)}>
        {target.name}
        {of && <span class="unseen"> ({of})</span>}
      </button>
      {open && <CommandForm target={target} of={of ?? ""} isForGood={isForGood} onClose={() => setOpen(false)} />}
    </>
  );
}

function CommandForm({ target, of, isForGood, onClose }: { target: Target; of: string; isForGood: boolean; onClose: () => void }) {
  const [described, setDescribed] = useState<Described | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [isSending, setSending] = useState(false);
  const saying = confirmed(target.template);
  useEffect(() => {
    describe(target.template).then(setDescribed, setError);
  }, [target.template]);

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    if (!described) return;
    const entries = new FormData(event.currentTarget as HTMLFormElement);
    setSending(true);
    setError(null);
    try {
      const body: Fields = {};
      for (const field of described.fields) {
        const value = meaning(field, entries.get(field.name));
        if (value !== undefined) body[field.name] = value;
      }
      const answer = await post(pathOf(target), body);
      const recorded = (answer.events ?? []).map((one: Fields) => one.type).join(", ");
      const job = answer.job_id && { href: `#/jobs/${answer.job_id}`, text: "Follow the job" };
      note([`${target.name}: ${recorded || (job ? "begun" : "done")}.`, ...(answer.warnings ?? [])].join(" "), job || undefined);
      target.onDone?.(answer);
      onClose();
    } catch (wrong) {
      setError(wrong as Error);
      setSending(false);
    }
  }

  return (
    <Dialog name={of ? `${target.name}: ${of}` : target.name} onClose={onClose}>
      {!described && !error && <p class="empty">Loading…</p>}
      {described && (
        <form onSubmit={submit}>
          <p>{described.summary}</p>
          {described.description && <details><summary>More</summary><p class="prose">{described.description}</p></details>}
          {described.fields.map((field) => <Entry key={field.name} field={field} target={target} preset={target.preset?.[field.name]} />)}
          {saying && (
            <label class={isForGood ? "check grave" : "check"}>
              <input type="checkbox" required /> {saying}
            </label>
          )}
          <Problem error={error} />
          <div class="row">
            <button type="submit" class={isForGood ? "grave" : "main"} disabled={isSending}>{isSending ? "Sending…" : target.name}</button>
            <button type="button" onClick={onClose}>Cancel</button>
          </div>
        </form>
      )}
      {!described && <Problem error={error} />}
    </Dialog>
  );
}

function Entry({ field, target, preset }: { field: Field; target: Target; preset: string | undefined }) {
  const id = useId();
  const [offered, setOffered] = useState<Suggestion[]>([]);
  useEffect(() => {
    if (field.kind === "text") void suggestionsFor(target.template, field.name, target.ids).then(setOffered);
  }, [target.template, field]);
  const hint = hintOf(field);
  const attributes = { id, name: field.name, required: field.required, "aria-describedby": hint ? `${id}-hint` : undefined };
  const initial = preset ?? "";
  if (field.kind === "yes") {
    return <label class="check"><input type="checkbox" name={field.name} defaultChecked={Boolean(field.initial)} /> {said(field.name)}</label>;
  }
  return (
    <div class="field">
      <label for={id}>{said(field.name)}{field.required && <span aria-hidden="true"> *</span>}</label>
      {field.kind === "choice" ? (
        <select {...attributes}>
          {!field.required && field.initial === undefined && <option value="">–</option>}
          {field.choices.map((choice) => <option key={choice} value={choice} selected={choice === (initial || String(field.initial ?? ""))}>{choice}</option>)}
        </select>
      ) : field.kind === "long" || field.kind === "lines" || field.kind === "json" ? (
        <textarea {...attributes} rows={3} defaultValue={initial} maxLength={field.maxLength} />
      ) : field.kind === "text" && SECRET.test(field.name) ? (
        <input type="password" {...attributes} defaultValue={initial} maxLength={field.maxLength} autoComplete="off" />
      ) : field.kind === "text" ? (
        <input type="text" {...attributes} list={offered.length ? `${id}-offered` : undefined} defaultValue={initial} maxLength={field.maxLength} autoComplete="off" />
      ) : (
        <input type="number" {...attributes} defaultValue={initial} min={field.minimum} max={field.maximum} step={field.kind === "integer" ? 1 : "any"} />
      )}
      {offered.length > 0 && <datalist id={`${id}-offered`}>{offered.map((one) => <option key={one.value} value={one.value} label={one.label} />)}</datalist>}
      {hint && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

function hintOf(field: Field): string {
  const hints = [];
  if (field.kind === "lines") hints.push("one a line");
  if (field.kind === "json") hints.push("as JSON");
  const initial = field.initial;
  if (typeof initial === "number" || (typeof initial === "string" && initial && field.kind !== "choice")) hints.push(`${initial} unless it is said`);
  const example = field.example;
  if (field.kind !== "choice" && example !== undefined && example !== null && example !== "" && example !== initial && String(example).length < 80) {
    hints.push(`for example ${typeof example === "object" ? JSON.stringify(example) : example}`);
  }
  return hints.join("; ");
}

function said(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
