-- A claim is a lease, in a table of its own: a few words that go when it ends. The job's row, which is wide and has several
-- indexes, is written when the job is submitted and when it ends, and not for each claim and each report.
CREATE TABLE leases (
    job_id TEXT NOT NULL PRIMARY KEY,
    token BIGINT NOT NULL,
    worker TEXT NOT NULL,
    -- The worker is to stop.
    aborting BOOLEAN NOT NULL DEFAULT FALSE,
    -- Which attempt this is, of those that count.
    attempt INTEGER NOT NULL,
    -- With whose token it reads.
    served_by BIGINT,
    -- How much of its reports is committed, and what they said; where they said nothing, the row has it.
    report_seq BIGINT NOT NULL DEFAULT 0,
    progress DOUBLE PRECISION,
    steps TEXT,
    cursor TEXT,
    started_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
INSERT INTO leases (
    job_id, token, worker, aborting, attempt, served_by, report_seq, progress, steps, cursor, started_at, updated_at
) SELECT
    id, lease_token, worker, state = 'aborting', attempt, served_by, report_seq, progress, steps, cursor,
    coalesce(started_at, updated_at), updated_at
FROM jobs WHERE worker IS NOT NULL;

DROP VIEW attempts;
CREATE TABLE job_rows_anew (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state = 'queued' OR state = 'waiting' OR state = 'completed' OR state = 'failed' OR state = 'aborted'
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
    completed_by TEXT,
    CHECK ((state = 'completed' OR state = 'failed' OR state = 'aborted') = (finished_at IS NOT NULL))
);
INSERT INTO job_rows_anew (
    id, kind, payload, dedupe_key, state, wait_reason, priority, lane, rank, user_id, account_id, instance_id, area_id,
    parent_id, attempt, max_attempts, crashes, lease_token, run_at, report_seq, progress, steps, cursor, result,
    error_class, error, created_at, started_at, finished_at, updated_at, completed_by
) SELECT
    id, kind, payload, dedupe_key, CASE WHEN worker IS NULL THEN state ELSE 'queued' END, wait_reason, priority, lane, rank,
    user_id, account_id, instance_id, area_id, parent_id, attempt - (worker IS NOT NULL), max_attempts, crashes,
    lease_token - (worker IS NOT NULL), run_at, report_seq, progress, steps, cursor, result, error_class, error, created_at,
    started_at, finished_at, updated_at, completed_by
FROM jobs;
-- What refers to the table refers to it by its new name from here on.
ALTER TABLE jobs RENAME TO job_rows;
DROP TABLE job_rows;
ALTER TABLE job_rows_anew RENAME TO job_rows;

CREATE UNIQUE INDEX jobs_live_key ON job_rows (dedupe_key) WHERE finished_at IS NULL;
CREATE INDEX jobs_ready ON job_rows (lane, rank, id) WHERE state = 'queued';
CREATE INDEX jobs_waiting ON job_rows (run_at) WHERE state = 'waiting';
CREATE INDEX jobs_by_state ON job_rows (state, id) WHERE state <> 'completed';
CREATE INDEX jobs_failed ON job_rows (finished_at) WHERE state = 'failed' AND finished_at IS NOT NULL;
CREATE INDEX jobs_by_user ON job_rows (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX jobs_by_area ON job_rows (area_id, id) WHERE area_id IS NOT NULL;
CREATE INDEX jobs_by_parent ON job_rows (parent_id, id) WHERE parent_id IS NOT NULL;

CREATE TRIGGER jobs_counted_in AFTER INSERT ON job_rows
WHEN NOT EXISTS (SELECT 1 FROM jobs_counted_together)
BEGIN
    INSERT INTO job_counters (kind, state, lane, user_id, n)
    SELECT new.kind, new.state, new.lane, coalesce(new.user_id, 0), 0
    WHERE NOT EXISTS (
        SELECT 1 FROM job_counters
        WHERE kind = new.kind AND state = new.state AND lane = new.lane AND user_id = coalesce(new.user_id, 0)
    );
    UPDATE job_counters SET n = n + 1
    WHERE kind = new.kind AND state = new.state AND lane = new.lane AND user_id = coalesce(new.user_id, 0);
END;
CREATE TRIGGER jobs_counted_out AFTER DELETE ON job_rows BEGIN
    UPDATE job_counters SET n = n - 1
    WHERE kind = old.kind AND state = old.state AND lane = old.lane AND user_id = coalesce(old.user_id, 0);
    DELETE FROM leases WHERE job_id = old.id;
END;
CREATE TRIGGER jobs_counted_over AFTER UPDATE OF kind, state, lane, user_id ON job_rows
WHEN (old.state <> new.state OR old.kind <> new.kind OR old.lane <> new.lane OR old.user_id IS NOT new.user_id)
    AND NOT EXISTS (SELECT 1 FROM jobs_counted_together)
BEGIN
    UPDATE job_counters SET n = n - 1
    WHERE kind = old.kind AND state = old.state AND lane = old.lane AND user_id = coalesce(old.user_id, 0);
    INSERT INTO job_counters (kind, state, lane, user_id, n)
    SELECT new.kind, new.state, new.lane, coalesce(new.user_id, 0), 0
    WHERE NOT EXISTS (
        SELECT 1 FROM job_counters
        WHERE kind = new.kind AND state = new.state AND lane = new.lane AND user_id = coalesce(new.user_id, 0)
    );
    UPDATE job_counters SET n = n + 1
    WHERE kind = new.kind AND state = new.state AND lane = new.lane AND user_id = coalesce(new.user_id, 0);
END;

DELETE FROM job_counters;
INSERT INTO job_counters (kind, state, lane, user_id, n)
SELECT kind, state, lane, coalesce(user_id, 0), count(*) FROM job_rows GROUP BY kind, state, lane, coalesce(user_id, 0);

-- Jobs as they are now: the row, and over it what the lease says while there is one. `at_rest` is the state without it, by
-- which the rows are found.
CREATE VIEW jobs AS
SELECT
    j.id, j.kind, j.payload, j.dedupe_key,
    CASE WHEN l.job_id IS NULL THEN j.state WHEN l.aborting THEN 'aborting' ELSE 'running' END AS state,
    j.wait_reason, j.priority, j.lane, j.rank, j.user_id, j.account_id, j.instance_id, j.area_id, j.parent_id,
    coalesce(l.attempt, j.attempt) AS attempt, j.max_attempts, j.crashes, coalesce(l.token, j.lease_token) AS lease_token,
    j.run_at, l.worker, l.served_by, coalesce(l.report_seq, j.report_seq) AS report_seq,
    coalesce(l.progress, j.progress) AS progress, coalesce(l.steps, j.steps) AS steps,
    coalesce(l.cursor, j.cursor) AS cursor, CASE WHEN l.job_id IS NULL THEN j.result END AS result,
    j.error_class, j.error, j.created_at, coalesce(l.started_at, j.started_at) AS started_at, j.finished_at,
    coalesce(l.updated_at, j.updated_at) AS updated_at, j.completed_by, j.state AS at_rest
FROM job_rows j LEFT JOIN leases l ON l.job_id = j.id;

-- Every attempt of every job; the one that runs has no end.
CREATE VIEW attempts AS
SELECT job_id, lease_token, worker, started_at, ended_at, outcome, error_class, error
FROM job_attempts
UNION ALL
SELECT job_id, token, worker, started_at, NULL, NULL, NULL, NULL FROM leases
UNION ALL
SELECT id, lease_token, completed_by, coalesce(started_at, updated_at), finished_at, state, NULL, NULL
FROM job_rows WHERE completed_by IS NOT NULL;

-- How many jobs are in which state now: what is kept about the rows, and over it the leases, which are never many.
CREATE VIEW job_counts AS
SELECT kind, state, lane, user_id, CAST(sum(n) AS BIGINT) AS n FROM (
    SELECT kind, state, lane, user_id, n FROM job_counters
    UNION ALL
    SELECT kind, 'queued', lane, coalesce(user_id, 0), -1 FROM job_rows JOIN leases ON job_id = id
    UNION ALL
    SELECT kind, CASE WHEN aborting THEN 'aborting' ELSE 'running' END, lane, coalesce(user_id, 0), 1
    FROM job_rows JOIN leases ON job_id = id
) counted GROUP BY kind, state, lane, user_id HAVING sum(n) <> 0;
