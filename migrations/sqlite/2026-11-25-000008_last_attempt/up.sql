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

-- An upsert may abort whatever the statement that fires the trigger says of conflicts, and so each change of a job kept
-- a journal of its own within its transaction.
DROP TRIGGER jobs_counted_in;
DROP TRIGGER jobs_counted_over;
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
