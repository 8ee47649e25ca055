DROP INDEX jobs_live_key;
DROP INDEX jobs_by_state;
DROP INDEX jobs_failed;
DROP INDEX jobs_held;
CREATE UNIQUE INDEX jobs_live_key ON jobs (dedupe_key) WHERE state IN ('queued', 'waiting', 'running', 'aborting');
CREATE INDEX jobs_not_completed ON jobs (state, id) WHERE state <> 'completed';
CREATE INDEX jobs_held ON jobs (worker) WHERE worker IS NOT NULL;
