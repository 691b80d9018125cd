/** How long the page's own thread is kept from answering, task by task. */

import type { Browser } from '@playwright/test';

/** What a task may take before people notice that the page does not answer. */
export const LONG_TASK_MS = 50;

/** An event of Chromium's tracing; times are microseconds. */
interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  tdur?: number;
  args?: Record<string, unknown>;
}

/**
 * Milliseconds of processor time of every task of the pages' main threads while `work` is done,
 * longest first.
 *
 * The Long Tasks API of the page counts the time that passes, and so also what the thread waits for a
 * processor: beside a server, its keeper, a script that writes 200,000 lines and the browser's other
 * processes, on two cores, any short task may seem long. What the page itself costs is the time that its
 * thread was on a processor, which the trace has beside (`tdur`).
 */
export async function measureTasks(browser: Browser, work: () => Promise<void>): Promise<number[]> {
  const cdp = await browser.newBrowserCDPSession();
  const events: TraceEvent[] = [];
  cdp.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await cdp.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline'] },
  });
  try {
    await work();
  } finally {
    const complete = new Promise((resolve) => cdp.once('Tracing.tracingComplete', resolve));
    await cdp.send('Tracing.end');
    await complete;
    await cdp.detach();
  }
  const mains = events.filter(({ name, args }) => name === 'thread_name' && args?.['name'] === 'CrRendererMain');
  const threads = new Set(mains.map(({ pid, tid }) => `${pid}.${tid}`));
  const tasks = events.filter(
    ({ name, ph, pid, tid }) => name === 'RunTask' && ph === 'X' && threads.has(`${pid}.${tid}`),
  );
  if (!tasks.some(({ tdur }) => tdur !== undefined)) {
    throw new Error(`the trace has no times of tasks: ${events.length} events, ${tasks.length} tasks`);
  }
  // One that was under way when the trace began has only the time that passed. And no task is on a processor for
  // longer than it takes: of one in which the tests' own script is evaluated, the trace says 95 ms of 6 at times.
  const taken = ({ dur = 0, tdur = dur }: TraceEvent): number => Math.min(dur, tdur) / 1_000;
  return tasks.map(taken).sort((a, b) => b - a);
}
