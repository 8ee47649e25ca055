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
);
INSERT INTO leases (
    job_id, token, worker, aborting, attempt, served_by, report_seq, progress, steps, cursor, started_at, updated_at
) SELECT
    id, lease_token, worker, state = 'aborting', attempt, served_by, report_seq, progress, steps, cursor,
    coalesce(started_at, updated_at), updated_at
FROM jobs WHERE worker IS NOT NULL;
UPDATE jobs SET state = 'queued', worker = NULL, attempt = attempt - 1, lease_token = lease_token - 1
WHERE worker IS NOT NULL;

DROP VIEW attempts;
ALTER TABLE jobs RENAME TO job_rows;
-- With their conditions and indexes.
ALTER TABLE job_rows DROP COLUMN worker, DROP COLUMN served_by;
ALTER TABLE job_rows DROP CONSTRAINT jobs_state_check;
ALTER TABLE job_rows ADD CONSTRAINT job_rows_state_check
    CHECK (state IN ('queued', 'waiting', 'completed', 'failed', 'aborted'));
CREATE INDEX jobs_by_state ON job_rows (state, id) WHERE state <> 'completed';

-- A job takes its lease with it.
CREATE OR REPLACE FUNCTION jobs_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO job_counters (kind, state, lane, user_id, n)
        SELECT r.kind, r.state, r.lane, coalesce(r.user_id, 0), count(*) FROM new_rows r GROUP BY r.kind, r.state, r.lane, coalesce(r.user_id, 0) ORDER BY r.kind, r.state, r.lane, coalesce(r.user_id, 0)
        ON CONFLICT (kind, state, lane, user_id) DO UPDATE SET n = job_counters.n + excluded.n;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO job_counters (kind, state, lane, user_id, n)
        SELECT r.kind, r.state, r.lane, coalesce(r.user_id, 0), -count(*) FROM old_rows r GROUP BY r.kind, r.state, r.lane, coalesce(r.user_id, 0) ORDER BY r.kind, r.state, r.lane, coalesce(r.user_id, 0)
        ON CONFLICT (kind, state, lane, user_id) DO UPDATE SET n = job_counters.n + excluded.n;
        DELETE FROM leases WHERE job_id IN (SELECT r.id FROM old_rows r);
    ELSE
        INSERT INTO job_counters (kind, state, lane, user_id, n)
        SELECT kind, state, lane, user_id, sum(d) FROM (
            SELECT r.kind AS kind, r.state AS state, r.lane AS lane, coalesce(r.user_id, 0) AS user_id, -1 AS d FROM old_rows r
            UNION ALL
            SELECT r.kind, r.state, r.lane, coalesce(r.user_id, 0), 1 FROM new_rows r
        ) changes GROUP BY kind, state, lane, user_id HAVING sum(d) <> 0 ORDER BY kind, state, lane, user_id
        ON CONFLICT (kind, state, lane, user_id) DO UPDATE SET n = job_counters.n + excluded.n;
    END IF;
    RETURN NULL;
END $$;

-- Jobs as they are now: the row, and over it what the lease says while there is one. `at_rest` is the state without it, by
-- which the rows are found. The lease of each row is looked up, which OFFSET 0 sees to: leases come and go by the thousand, and
-- a planner that knows them as they were a minute ago and is free to join may read all jobs.
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
FROM job_rows j LEFT JOIN LATERAL (SELECT * FROM leases WHERE job_id = j.id OFFSET 0) l ON TRUE;

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
    SELECT j.kind, s.state, j.lane, coalesce(j.user_id, 0), s.n
    FROM leases l, LATERAL (SELECT kind, lane, user_id FROM job_rows WHERE id = l.job_id OFFSET 0) j,
        LATERAL (VALUES ('queued', -1), (CASE WHEN l.aborting THEN 'aborting' ELSE 'running' END, 1)) s (state, n)
) counted GROUP BY kind, state, lane, user_id HAVING sum(n) <> 0;
