DROP VIEW attempts;
INSERT INTO job_attempts (job_id, lease_token, worker, started_at, ended_at, outcome)
SELECT id, lease_token, completed_by, coalesce(started_at, updated_at), finished_at, state
FROM jobs
WHERE completed_by IS NOT NULL;
ALTER TABLE jobs DROP COLUMN completed_by;
