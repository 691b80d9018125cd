-- What a transaction does, as one statement: the writer's connection puts a row into `changes`, and
-- this trigger takes it apart. A statement is atomic, so what fails leaves nothing behind; and it is
-- one round trip to the connection's thread, which costs more than all of this.
--
-- Both are temporary, that is, of the connection and not of the schema: they belong to the program
-- and change with it.
--
-- Each column but `bytes` holds the rows of a table as a JSON array of objects, or NULL for none.
-- `WHERE true` tells the parser that ON CONFLICT is not the condition of a join.

CREATE TEMP VIEW changes AS SELECT
    NULL AS processes,
    NULL AS attempts,
    NULL AS growth,          -- [{process, from, to}]: from which index to which its log grows
    NULL AS chunks,          -- with `at` and `length`: where in `bytes` the chunk's are, from 1
    NULL AS bytes,           -- those of all chunks, one after the other
    NULL AS cursors,
    NULL AS dropped_cursors, -- a JSON array of strings
    NULL AS audit,
    NULL AS kept;            -- [{key, value}]; a value of null forgets the key

CREATE TEMP TRIGGER make_changes INSTEAD OF INSERT ON changes BEGIN
    -- next_idx is not replaced: the chunks move it.
    INSERT INTO processes (
        id, project, project_folded, script, args, type, status, reason, created_at, started_at,
        ended_at, pid, exit_code, signal, next_idx, search_text, spec, details)
    SELECT value ->> 'id', value ->> 'project', value ->> 'project_folded', value ->> 'script',
        value ->> 'args', value ->> 'type', value ->> 'status', value ->> 'reason',
        value ->> 'created_at', value ->> 'started_at', value ->> 'ended_at', value ->> 'pid',
        value ->> 'exit_code', value ->> 'signal', value ->> 'next_idx', value ->> 'search_text',
        coalesce(value ->> 'spec', (SELECT spec FROM processes WHERE id = value ->> 'id')),
        value ->> 'details'
    FROM jsonb_each(NEW.processes) WHERE true
    ON CONFLICT (id) DO UPDATE SET
        project = excluded.project, project_folded = excluded.project_folded,
        script = excluded.script, args = excluded.args, type = excluded.type,
        status = excluded.status, reason = excluded.reason, created_at = excluded.created_at,
        started_at = excluded.started_at, ended_at = excluded.ended_at, pid = excluded.pid,
        exit_code = excluded.exit_code, signal = excluded.signal,
        search_text = excluded.search_text, spec = excluded.spec, details = excluded.details;

    -- The names are those of the model on the wire.
    INSERT INTO attempts (
        process_id, n, pid, started_at, ended_at, exit_code, signal, user_ms, system_ms,
        max_rss_bytes, first_idx, last_idx, cause, cause_kind, cause_by, config_hash, end_kind,
        end_by, end_words)
    SELECT value ->> 'process', value ->> 'n', value ->> 'pid', value ->> 'startedAt',
        value ->> 'endedAt', value ->> 'exitCode', value ->> 'signal', value ->> 'userMs',
        value ->> 'systemMs', value ->> 'maxRssBytes', value ->> 'firstIdx', value ->> 'lastIdx',
        value ->> 'cause', value ->> 'causeKind', value ->> 'causeBy', value ->> 'configHash',
        value ->> 'endKind', value ->> 'endBy', value ->> 'end'
    FROM jsonb_each(NEW.attempts) WHERE true
    ON CONFLICT (process_id, n) DO UPDATE SET
        pid = excluded.pid, started_at = excluded.started_at, ended_at = excluded.ended_at,
        exit_code = excluded.exit_code, signal = excluded.signal, user_ms = excluded.user_ms,
        system_ms = excluded.system_ms, max_rss_bytes = excluded.max_rss_bytes,
        first_idx = excluded.first_idx, last_idx = excluded.last_idx, cause = excluded.cause,
        cause_kind = excluded.cause_kind, cause_by = excluded.cause_by,
        config_hash = excluded.config_hash, end_kind = excluded.end_kind,
        end_by = excluded.end_by, end_words = excluded.end_words;

    SELECT RAISE(ABORT, 'a chunk does not begin where its log ends')
    FROM jsonb_each(NEW.growth) AS growth
    LEFT JOIN processes ON processes.id = growth.value ->> 'process'
    WHERE processes.next_idx IS NOT growth.value ->> 'from';

    UPDATE processes SET next_idx = growth.value ->> 'to'
    FROM jsonb_each(NEW.growth) AS growth
    WHERE processes.id = growth.value ->> 'process';

    INSERT INTO process_logs (process_id, first_idx, last_idx, first_ts, last_ts, codec, bytes)
    SELECT value ->> 'process', value ->> 'first_idx', value ->> 'last_idx', value ->> 'first_ts',
        value ->> 'last_ts', value ->> 'codec',
        -- Nothing cut out of nothing is NULL.
        coalesce(substr(NEW.bytes, value ->> 'at', value ->> 'length'), x'')
    FROM jsonb_each(NEW.chunks);

    INSERT INTO cursors (run, index_off, out_off, err_off)
    SELECT value ->> 'run', value ->> 'index_off', value ->> 'out_off', value ->> 'err_off'
    FROM jsonb_each(NEW.cursors) WHERE true
    ON CONFLICT (run) DO UPDATE SET
        index_off = excluded.index_off, out_off = excluded.out_off, err_off = excluded.err_off;

    DELETE FROM cursors WHERE run IN (SELECT value FROM json_each(NEW.dropped_cursors));

    -- Another program has added a line: the links are made again.
    SELECT RAISE(ABORT, 'the audit has grown meanwhile')
    FROM jsonb_each(NEW.audit) AS line
    WHERE line.key = 0 AND NOT EXISTS (
        SELECT 1 FROM audit_head
        WHERE id = line.value ->> 'before_id' AND hash = line.value ->> 'before_hash');

    INSERT INTO audit (id, at, actor, actor_id, via, address, action, target, project, script,
        process_id, attempt, outcome, detail, hash)
    SELECT value ->> 'id', value ->> 'at', value ->> 'actor', value ->> 'actor_id',
        value ->> 'via', value ->> 'address', value ->> 'action', value ->> 'target',
        value ->> 'project', value ->> 'script',
        value ->> 'process_id', value ->> 'attempt', value ->> 'outcome', value ->> 'detail',
        value ->> 'hash'
    FROM jsonb_each(NEW.audit);

    UPDATE audit_head SET id = line.id, hash = line.hash
    FROM (SELECT value ->> 'id' AS id, value ->> 'hash' AS hash FROM jsonb_each(NEW.audit)
          ORDER BY key DESC LIMIT 1) AS line;

    DELETE FROM kept WHERE key IN (
        SELECT value ->> 'key' FROM jsonb_each(NEW.kept) WHERE value ->> 'value' IS NULL);
    INSERT INTO kept (key, value)
    SELECT value ->> 'key', value ->> 'value'
    FROM jsonb_each(NEW.kept) WHERE value ->> 'value' IS NOT NULL
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;
END;
