-- SQLite builds a temporary index for every `IN (…)` of more than two words, each time that a statement runs, and the
-- checks and partial indexes of these tables had several: they made up half of the time that a job took. So the
-- conditions are written with OR, or by a column that says the same. SQLite changes no check of a table that is there:
-- the tables are built anew, with foreign keys off.
CREATE TABLE jobs_anew (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state = 'queued' OR state = 'waiting' OR state = 'running' OR state = 'aborting'
        OR state = 'completed' OR state = 'failed' OR state = 'aborted'
    ),
    wait_reason TEXT,
    priority INTEGER NOT NULL,
    lane TEXT NOT NULL CHECK (lane = 'priority' OR lane = 'normal'),
    -- The order of claims within a lane: priority, then a fair share for each account, then age. Smaller goes first; the
    -- rules are in the crate `jobs`, in `rank`.
    rank BIGINT NOT NULL DEFAULT 0,
    user_id BIGINT REFERENCES users (id) ON DELETE SET NULL,
    account_id BIGINT REFERENCES accounts (id) ON DELETE SET NULL,
    instance_id BIGINT REFERENCES instances (id),
    area_id BIGINT REFERENCES areas (id) ON DELETE CASCADE,
    parent_id TEXT,
    -- Attempts that count against max_attempts; workers that died; claims of any kind.
    attempt INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    crashes INTEGER NOT NULL DEFAULT 0,
    lease_token BIGINT NOT NULL DEFAULT 0,
    run_at TIMESTAMP NOT NULL,
    -- Who holds the lease, with whose token, and how much of its reports is committed.
    worker TEXT,
    served_by BIGINT,
    report_seq BIGINT NOT NULL DEFAULT 0,
    progress DOUBLE PRECISION NOT NULL DEFAULT 0,
    steps TEXT NOT NULL DEFAULT '[]',
    cursor TEXT,
    result TEXT,
    error_class TEXT,
    error TEXT,
    created_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    finished_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL,
    CHECK ((state = 'running' OR state = 'aborting') = (worker IS NOT NULL)),
    CHECK ((state = 'completed' OR state = 'failed' OR state = 'aborted') = (finished_at IS NOT NULL))
);
INSERT INTO jobs_anew (
    id, kind, payload, dedupe_key, state, wait_reason, priority, lane, rank, user_id, account_id, instance_id, area_id,
    parent_id, attempt, max_attempts, crashes, lease_token, run_at, worker, served_by, report_seq, progress, steps, cursor,
    result, error_class, error, created_at, started_at, finished_at, updated_at
) SELECT
    id, kind, payload, dedupe_key, state, wait_reason, priority, lane, rank, user_id, account_id, instance_id, area_id,
    parent_id, attempt, max_attempts, crashes, lease_token, run_at, worker, served_by, report_seq, progress, steps, cursor,
    result, error_class, error, created_at, started_at, finished_at, updated_at
FROM jobs;
DROP TABLE jobs;
ALTER TABLE jobs_anew RENAME TO jobs;

-- At most one live job for a key, whatever happens.
CREATE UNIQUE INDEX jobs_live_key ON jobs (dedupe_key) WHERE finished_at IS NULL;
CREATE INDEX jobs_ready ON jobs (lane, rank, id) WHERE state = 'queued';
CREATE INDEX jobs_waiting ON jobs (run_at) WHERE state = 'waiting';
CREATE INDEX jobs_held ON jobs (id) WHERE worker IS NOT NULL;
-- Most jobs are completed, and few are held: those that are neither are looked for by state.
CREATE INDEX jobs_by_state ON jobs (state, id) WHERE worker IS NULL AND state <> 'completed';
-- What has failed lately. The second condition keeps it from being taken for lists in the order of ids.
CREATE INDEX jobs_failed ON jobs (finished_at) WHERE state = 'failed' AND finished_at IS NOT NULL;
CREATE INDEX jobs_by_user ON jobs (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX jobs_by_area ON jobs (area_id, id) WHERE area_id IS NOT NULL;
CREATE INDEX jobs_by_parent ON jobs (parent_id, id) WHERE parent_id IS NOT NULL;

-- Has a row while a transaction changes many jobs at once and counts them itself, and is empty after every commit.
CREATE TABLE jobs_counted_together (
    yes BOOLEAN NOT NULL PRIMARY KEY
);

CREATE TRIGGER jobs_counted_in AFTER INSERT ON jobs
WHEN NOT EXISTS (SELECT 1 FROM jobs_counted_together)
BEGIN
    INSERT INTO job_counters (kind, state, lane, user_id, n)
    VALUES (new.kind, new.state, new.lane, coalesce(new.user_id, 0), 1)
    ON CONFLICT (kind, state, lane, user_id) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER jobs_counted_out AFTER DELETE ON jobs BEGIN
    UPDATE job_counters SET n = n - 1
    WHERE kind = old.kind AND state = old.state AND lane = old.lane AND user_id = coalesce(old.user_id, 0);
END;
CREATE TRIGGER jobs_counted_over AFTER UPDATE OF kind, state, lane, user_id ON jobs
WHEN (old.state <> new.state OR old.kind <> new.kind OR old.lane <> new.lane OR old.user_id IS NOT new.user_id)
    AND NOT EXISTS (SELECT 1 FROM jobs_counted_together)
BEGIN
    UPDATE job_counters SET n = n - 1
    WHERE kind = old.kind AND state = old.state AND lane = old.lane AND user_id = coalesce(old.user_id, 0);
    INSERT INTO job_counters (kind, state, lane, user_id, n)
    VALUES (new.kind, new.state, new.lane, coalesce(new.user_id, 0), 1)
    ON CONFLICT (kind, state, lane, user_id) DO UPDATE SET n = n + 1;
END;

CREATE TABLE job_messages_anew (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    level TEXT NOT NULL CHECK (level = 'info' OR level = 'warning' OR level = 'error'),
    at TIMESTAMP NOT NULL,
    text TEXT NOT NULL,
    -- Counts for each job and level, so that the surplus is found without counting.
    nr BIGINT NOT NULL
);
INSERT INTO job_messages_anew (id, job_id, level, at, text, nr) SELECT id, job_id, level, at, text, nr FROM job_messages;
DROP TABLE job_messages;
ALTER TABLE job_messages_anew RENAME TO job_messages;
CREATE INDEX job_messages_by_job ON job_messages (job_id, id);
CREATE UNIQUE INDEX job_messages_by_nr ON job_messages (job_id, level, nr);

CREATE TABLE job_items_anew (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    -- Unique within the job, such as a file name or a URL.
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state = 'pending' OR state = 'running' OR state = 'done' OR state = 'failed' OR state = 'skipped'
    ),
    -- The kind's own word for how it went, such as 'dead'.
    verdict TEXT,
    -- The reason in words.
    note TEXT,
    -- More of it, as JSON.
    detail TEXT,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (job_id, name)
) WITHOUT ROWID;
INSERT INTO job_items_anew (job_id, name, state, verdict, note, detail, updated_at)
SELECT job_id, name, state, verdict, note, detail, updated_at FROM job_items;
DROP TABLE job_items;
ALTER TABLE job_items_anew RENAME TO job_items;
CREATE INDEX job_items_by_state ON job_items (job_id, state, verdict, name);
