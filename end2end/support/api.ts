/** Runyard's REST interface, as a program uses it: with a token. */

import type { Entry, LogPage, Process, StartRequest } from './contract.ts';

const PAGE = 10_000;

export class Api {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async start(request: StartRequest): Promise<Process> {
    const { processId } = await this.#call<{ processId: string }>('POST', '/api/processes', request);
    return this.process(processId);
  }

  process(id: string): Promise<Process> {
    return this.#call('GET', `/api/processes/${id}`);
  }

  async processes(): Promise<Process[]> {
    return (await this.#call<{ processes: Process[] }>('GET', '/api/processes')).processes;
  }

  /** Stops it; one that has just ended needs no stop. */
  async stop(id: string): Promise<void> {
    await this.#call('DELETE', `/api/processes/${id}`).catch((error: unknown) => {
      if (!String(error).includes(': 409 ')) {
        throw error;
      }
    });
  }

  /** Stops all that is declared, dependants first; resolves when it is gone. */
  async stopDeclared(): Promise<void> {
    await this.#call('POST', '/api/declared/stop');
  }

  /** The newest entries. */
  async tail(id: string, count: number): Promise<Entry[]> {
    return (await this.#call<LogPage>('GET', `/api/processes/${id}/logs?tail=${count}`)).entries;
  }

  /** Every entry, from the first: page by page, as a program would read it. */
  async *entries(id: string): AsyncGenerator<Entry> {
    let after = -1;
    for (;;) {
      const page: LogPage = await this.#call(
        'GET',
        `/api/processes/${id}/logs?after=${after}&limit=${PAGE}`,
      );
      if (page.entries.length === 0) {
        return;
      }
      yield* page.entries;
      after = page.nextAfter ?? after;
    }
  }

  /** The whole log at once, for short ones. */
  async log(id: string): Promise<Entry[]> {
    const all: Entry[] = [];
    for await (const entry of this.entries(id)) {
      all.push(entry);
    }
    return all;
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${text}`);
    }
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}
