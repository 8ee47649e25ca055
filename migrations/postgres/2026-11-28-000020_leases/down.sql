-- What is leased is in the job's own row again.
DROP VIEW jobs;
DROP VIEW attempts;
DROP VIEW job_counts;
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
ALTER TABLE job_rows DROP CONSTRAINT job_rows_state_check;
ALTER TABLE job_rows ADD CONSTRAINT jobs_state_check
    CHECK (state IN ('queued', 'waiting', 'running', 'aborting', 'completed', 'failed', 'aborted'));
ALTER TABLE job_rows ADD COLUMN worker TEXT, ADD COLUMN served_by BIGINT;
ALTER TABLE job_rows RENAME TO jobs;
UPDATE jobs SET
    state = CASE WHEN l.aborting THEN 'aborting' ELSE 'running' END, worker = l.worker, served_by = l.served_by,
    lease_token = l.token, attempt = l.attempt, report_seq = l.report_seq, progress = coalesce(l.progress, jobs.progress),
    steps = coalesce(l.steps, jobs.steps), cursor = coalesce(l.cursor, jobs.cursor), result = NULL,
    started_at = l.started_at, updated_at = l.updated_at
FROM leases l WHERE l.job_id = jobs.id;
DROP TABLE leases;
ALTER TABLE jobs ADD CHECK ((state IN ('running', 'aborting')) = (worker IS NOT NULL));
DROP INDEX jobs_by_state;
CREATE INDEX jobs_by_state ON jobs (state, id) WHERE worker IS NULL AND state <> 'completed';
CREATE INDEX jobs_held ON jobs (id) WHERE worker IS NOT NULL;
CREATE VIEW attempts AS
SELECT job_id, lease_token, worker, started_at, ended_at, outcome, error_class, error
FROM job_attempts
UNION ALL
SELECT id, lease_token, coalesce(worker, completed_by), coalesce(started_at, updated_at), finished_at,
    CASE WHEN finished_at IS NOT NULL THEN state END, NULL, NULL
FROM jobs
WHERE worker IS NOT NULL OR completed_by IS NOT NULL;
