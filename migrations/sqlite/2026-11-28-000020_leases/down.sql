-- What is leased is in the job's own row again.
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
    completed_by TEXT,
    CHECK ((state = 'running' OR state = 'aborting') = (worker IS NOT NULL)),
    CHECK ((state = 'completed' OR state = 'failed' OR state = 'aborted') = (finished_at IS NOT NULL))
);
INSERT INTO jobs_anew (
    id, kind, payload, dedupe_key, state, wait_reason, priority, lane, rank, user_id, account_id, instance_id, area_id,
    parent_id, attempt, max_attempts, crashes, lease_token, run_at, report_seq, progress, steps, cursor, result,
    error_class, error, created_at, started_at, finished_at, updated_at, completed_by, worker, served_by
) SELECT
    id, kind, payload, dedupe_key, state, wait_reason, priority, lane, rank, user_id, account_id, instance_id, area_id,
    parent_id, attempt, max_attempts, crashes, lease_token, run_at, report_seq, progress, steps, cursor, result,
    error_class, error, created_at, started_at, finished_at, updated_at, completed_by, worker, served_by
FROM jobs;
DROP VIEW jobs;
DROP VIEW attempts;
DROP VIEW job_counts;
ALTER TABLE job_rows RENAME TO jobs;
DROP TABLE jobs;
ALTER TABLE jobs_anew RENAME TO jobs;
DROP TABLE leases;

CREATE UNIQUE INDEX jobs_live_key ON jobs (dedupe_key) WHERE finished_at IS NULL;
CREATE INDEX jobs_ready ON jobs (lane, rank, id) WHERE state = 'queued';
CREATE INDEX jobs_waiting ON jobs (run_at) WHERE state = 'waiting';
CREATE INDEX jobs_held ON jobs (id) WHERE worker IS NOT NULL;
CREATE INDEX jobs_by_state ON jobs (state, id) WHERE worker IS NULL AND state <> 'completed';
CREATE INDEX jobs_failed ON jobs (finished_at) WHERE state = 'failed' AND finished_at IS NOT NULL;
CREATE INDEX jobs_by_user ON jobs (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX jobs_by_area ON jobs (area_id, id) WHERE area_id IS NOT NULL;
CREATE INDEX jobs_by_parent ON jobs (parent_id, id) WHERE parent_id IS NOT NULL;

CREATE TRIGGER jobs_counted_in AFTER INSERT ON jobs
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
SELECT kind, state, lane, coalesce(user_id, 0), count(*) FROM jobs GROUP BY kind, state, lane, coalesce(user_id, 0);

CREATE VIEW attempts AS
SELECT job_id, lease_token, worker, started_at, ended_at, outcome, error_class, error
FROM job_attempts
UNION ALL
SELECT id, lease_token, coalesce(worker, completed_by), coalesce(started_at, updated_at), finished_at,
    CASE WHEN finished_at IS NOT NULL THEN state END, NULL, NULL
FROM jobs
WHERE worker IS NOT NULL OR completed_by IS NOT NULL;
