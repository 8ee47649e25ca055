DROP TRIGGER jobs_counted_in;
DROP TRIGGER jobs_counted_over;
CREATE TRIGGER jobs_counted_in AFTER INSERT ON jobs
WHEN NOT EXISTS (SELECT 1 FROM jobs_counted_together)
BEGIN
    INSERT INTO job_counters (kind, state, lane, user_id, n)
    VALUES (new.kind, new.state, new.lane, coalesce(new.user_id, 0), 1)
    ON CONFLICT (kind, state, lane, user_id) DO UPDATE SET n = n + 1;
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
DROP VIEW attempts;
INSERT INTO job_attempts (job_id, lease_token, worker, started_at, ended_at, outcome)
SELECT id, lease_token, completed_by, coalesce(started_at, updated_at), finished_at, state
FROM jobs
WHERE completed_by IS NOT NULL;
ALTER TABLE jobs DROP COLUMN completed_by;
