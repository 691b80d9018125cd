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

/** A task of a page's main thread. */
interface Task {
  /** Its processor time. */
  ms: number;
  /** What it did for longest. */
  did: string;
}

/**
 * Every task of the pages' main threads while `work` is done, longest first.
 *
 * The Long Tasks API of the page counts the time that passes, and so also what the thread waits for a
 * processor: beside a server, its keeper, a script that writes 200,000 lines and the browser's other
 * processes, on two cores, any short task may seem long. What the page itself costs is the time that its
 * thread was on a processor, which the trace has beside (`tdur`).
 */
async function measureTasks(browser: Browser, work: () => Promise<void>): Promise<Task[]> {
  const events = await trace(browser, work);
  const mains = events.filter(({ name, args }) => name === 'thread_name' && args?.['name'] === 'CrRendererMain');
  const threads = new Set(mains.map(thread));
  const complete = events.filter((event) => event.ph === 'X' && threads.has(thread(event)));
  const tasks = complete.filter(({ name }) => name === 'RunTask');
  if (!tasks.some(({ tdur }) => tdur !== undefined)) {
    throw new Error(`the trace has no times of tasks: ${events.length} events, ${tasks.length} tasks`);
  }
  return tasks
    .map((task) => ({ ms: taken(task), task }))
    .sort((a, b) => b.ms - a.ms)
    .map(({ ms, task }, place) => ({ ms, did: place < 3 ? partsOf(task, complete) : '' }));
}

/**
 * The longest task while `work` is done, the median of three times; and the longest of each time in words.
 *
 * A host that is busy takes a processor away from its guest, and the guest counts that as the thread's own time: one
 * task of one time may be long for that. What the page does comes again. `prepare` is not measured.
 */
export async function measureLongest(
  browser: Browser,
  prepare: () => Promise<void>,
  work: () => Promise<void>,
): Promise<{ ms: number; words: string }> {
  const times: Task[][] = [];
  for (let time = 0; time < 3; time += 1) {
    await prepare();
    times.push(await measureTasks(browser, work));
  }
  const longest = times.map((tasks) => tasks[0]?.ms ?? 0).sort((a, b) => a - b);
  return { ms: longest[1] ?? 0, words: times.map(describeTasks).join('\n') };
}

function describeTasks(tasks: readonly Task[]): string {
  return tasks
    .slice(0, 5)
    .map(({ ms, did }) => `${ms.toFixed(1)} ms ${did}`.trim())
    .join('; ');
}

async function trace(browser: Browser, work: () => Promise<void>): Promise<TraceEvent[]> {
  const cdp = await browser.newBrowserCDPSession();
  const events: TraceEvent[] = [];
  cdp.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await cdp.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'] },
  });
  try {
    await work();
  } finally {
    const complete = new Promise((resolve) => cdp.once('Tracing.tracingComplete', resolve));
    await cdp.send('Tracing.end');
    await complete;
    await cdp.detach();
  }
  return events;
}

const thread = ({ pid, tid }: TraceEvent): string => `${pid}.${tid}`;

/**
 * One that was under way when the trace began has only the time that passed. And no task is on a processor for
 * longer than it takes: of one in which the tests' own script is evaluated, the trace says 95 ms of 6 at times.
 */
const taken = ({ dur = 0, tdur = dur }: TraceEvent): number => Math.min(dur, tdur) / 1_000;

/** What a task was doing: the events within it, the longest first. */
function partsOf(task: TraceEvent, events: readonly TraceEvent[]): string {
  const end = task.ts + (task.dur ?? 0);
  const parts = events
    .filter((event) => event !== task && thread(event) === thread(task) && event.ts >= task.ts && event.ts < end)
    .sort((a, b) => taken(b) - taken(a))
    .slice(0, 6)
    .map((event) => `${event.name} ${taken(event).toFixed(1)}${place(event)}`);
  return `(${taken(task).toFixed(1)} of ${((task.dur ?? 0) / 1_000).toFixed(1)} ms passed: ${parts.join(', ')})`;
}

/** Which script it was, where the event says that. */
function place({ args }: TraceEvent): string {
  const data = args?.['data'] as { functionName?: string; url?: string } | undefined;
  const words = [data?.functionName, data?.url?.split('/').pop()].filter((word) => word);
  return words.length > 0 ? ` ${words.join(' ')}` : '';
}
