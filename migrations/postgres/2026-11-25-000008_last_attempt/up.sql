-- A job's last attempt is in its own row, whether it runs or has completed: nothing comes after it. So the attempt of a
-- job that goes well is never written a second time. Who completed it is all that was missing.
ALTER TABLE jobs ADD COLUMN completed_by TEXT;

-- Every attempt of every job; the one that runs has no end.
CREATE VIEW attempts AS
SELECT job_id, lease_token, worker, started_at, ended_at, outcome, error_class, error
FROM job_attempts
UNION ALL
SELECT id, lease_token, coalesce(worker, completed_by), coalesce(started_at, updated_at), finished_at,
    CASE WHEN finished_at IS NOT NULL THEN state END, NULL, NULL
FROM jobs
WHERE worker IS NOT NULL OR completed_by IS NOT NULL;
