DROP INDEX jobs_live_key;
DROP INDEX jobs_by_state;
CREATE UNIQUE INDEX jobs_live_key ON jobs (dedupe_key) WHERE state IN ('queued', 'waiting', 'running', 'aborting');
CREATE INDEX jobs_not_completed ON jobs (state, id) WHERE state <> 'completed';
