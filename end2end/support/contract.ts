/** The parts of the REST contract that the tests read. Times are milliseconds since the epoch. */

export type Status =
  | 'queued'
  | 'waiting'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'backing_off'
  | 'stopped'
  | 'completed'
  | 'failed'
  | 'lost';

export interface Attempt {
  n: number;
  pid: number | null;
  exitCode: number | null;
  signal: string | null;
}

export interface Process {
  id: string;
  script: string;
  args: string[];
  status: Status;
  reason: string;
  pid: number | null;
  exitCode: number | null;
  signal: string | null;
  /** How many entries its log has. */
  nextIdx: number;
  attempts: Attempt[];
  /** Its place in the line, 1 is next. */
  position: number | null;
  /** The name of the declared process that it is. */
  declared: string | null;
  /** Whether its probe succeeds; null without one, and while it does not run. */
  ready: boolean | null;
  startedAt: number | null;
  endedAt: number | null;
}

export interface Entry {
  idx: number;
  ts: number;
  type: 'stdout' | 'stderr' | 'system';
  line: string;
}

export interface LogPage {
  entries: Entry[];
  /** What to give as `after` for the next page; null when nothing followed yet. */
  nextAfter: number | null;
}

export interface StartRequest {
  scriptName: string;
  args?: string[];
  env?: Record<string, string>;
  strategy?: Record<string, unknown>;
}

export function hasEnded(process: Process): boolean {
  return ['stopped', 'completed', 'failed', 'lost'].includes(process.status);
}
