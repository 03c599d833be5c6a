/** The daemon's API, as the page's session may use it. */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Fields = Record<string, any>;

/** What the daemon refused, in its own words; status 0: it was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Kept here and nowhere else: whoever reloads the page opens it anew with `hecate console`. */
let session = "";

const TICKET = /^#ticket=([\w-]+)$/;

/** Exchange the ticket of the link for a session. */
export async function begin(): Promise<void> {
  const ticket = TICKET.exec(location.hash)?.[1];
  if (!ticket) throw new ApiError(401, "unauthorized", "this page has no session");
  // It is spent now, and no business of the history's.
  history.replaceState(null, "", "#/");
  const answer = await fetch("/session", { method: "POST", body: JSON.stringify({ ticket }) });
  session = (await read(answer)).session;
}

async function send(method: string, path: string, init: { body?: Fields; headers?: HeadersInit; signal?: AbortSignal }) {
  const headers = new Headers(init.headers);
  headers.set("Authorization", `Bearer ${session}`);
  if (init.body) headers.set("Content-Type", "application/json");
  try {
    return await fetch(path, {
      method,
      headers,
      body: init.body ? JSON.stringify(init.body) : null,
      signal: init.signal ?? null,
    });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "the daemon does not answer; is it running? Start it with: hecate serve");
  }
}

async function read(answer: Response): Promise<Fields> {
  let content: Fields;
  try {
    content = await answer.json();
  } catch {
    throw new ApiError(answer.status, "unreadable", `the daemon answered ${answer.status} with something that is not JSON`);
  }
  if (!answer.ok || content.ok === false) {
    const more = content.available_actions?.length ? `; possible now: ${content.available_actions.join(", ")}` : "";
    throw new ApiError(answer.status, content.code ?? "", (content.error ?? `the daemon answered ${answer.status}`) + more);
  }
  return content;
}

export async function get(path: string, signal?: AbortSignal): Promise<Fields> {
  return read(await send("GET", path, signal ? { signal } : {}));
}

/** Send a command; the key makes sure that it is done once, however often it arrives. */
export async function post(path: string, body: Fields = {}): Promise<Fields> {
  return read(await send("POST", path, { body, headers: { "Idempotency-Key": crypto.randomUUID() } }));
}

export interface Piece {
  id: string;
  data: string;
}

export interface Streaming {
  signal?: AbortSignal;
  body?: Fields;
  /** Called when the answer begins. */
  begun?: () => void;
}

/** Give the pieces of a stream of server-sent events; `EventSource` cannot show a session. */
export async function* stream(path: string, { signal, body, begun }: Streaming = {}): AsyncGenerator<Piece> {
  const headers = { Accept: "text/event-stream" };
  const answer = await send(body ? "POST" : "GET", path, { headers, ...(body && { body }), ...(signal && { signal }) });
  if (!answer.ok || !answer.body) {
    await read(answer);
    return;
  }
  begun?.();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let piece: Piece = { id: "", data: "" };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("id: ")) piece.id = line.slice(4);
      else if (line.startsWith("data: ")) piece.data += (piece.data && "\n") + line.slice(6);
      else if (line === "" && piece.data) {
        yield piece;
        piece = { id: "", data: "" };
      }
    }
  }
}
