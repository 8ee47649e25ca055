-- The checks mean the same as before and stay.
DROP TRIGGER jobs_counted_in;
DROP TRIGGER jobs_counted_over;
DROP TABLE jobs_counted_together;
CREATE TRIGGER jobs_counted_in AFTER INSERT ON jobs BEGIN
    INSERT INTO job_counters (kind, state, lane, user_id, n)
    VALUES (new.kind, new.state, new.lane, coalesce(new.user_id, 0), 1)
    ON CONFLICT (kind, state, lane, user_id) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER jobs_counted_over AFTER UPDATE OF kind, state, lane, user_id ON jobs
WHEN old.state <> new.state OR old.kind <> new.kind OR old.lane <> new.lane OR old.user_id IS NOT new.user_id BEGIN
    UPDATE job_counters SET n = n - 1
    WHERE kind = old.kind AND state = old.state AND lane = old.lane AND user_id = coalesce(old.user_id, 0);
    INSERT INTO job_counters (kind, state, lane, user_id, n)
    VALUES (new.kind, new.state, new.lane, coalesce(new.user_id, 0), 1)
    ON CONFLICT (kind, state, lane, user_id) DO UPDATE SET n = n + 1;
END;
DROP INDEX jobs_live_key;
DROP INDEX jobs_by_state;
DROP INDEX jobs_failed;
DROP INDEX jobs_held;
CREATE UNIQUE INDEX jobs_live_key ON jobs (dedupe_key) WHERE state IN ('queued', 'waiting', 'running', 'aborting');
CREATE INDEX jobs_not_completed ON jobs (state, id) WHERE state <> 'completed';
CREATE INDEX jobs_held ON jobs (worker) WHERE worker IS NOT NULL;
