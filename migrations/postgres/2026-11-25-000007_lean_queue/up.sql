-- The same conditions as SQLite's indexes have, where they are cheaper to keep.
DROP INDEX jobs_live_key;
DROP INDEX jobs_not_completed;
DROP INDEX jobs_held;
-- At most one live job for a key, whatever happens.
CREATE UNIQUE INDEX jobs_live_key ON jobs (dedupe_key) WHERE finished_at IS NULL;
CREATE INDEX jobs_held ON jobs (id) WHERE worker IS NOT NULL;
-- Most jobs are completed, and few are held: those that are neither are looked for by state.
CREATE INDEX jobs_by_state ON jobs (state, id) WHERE worker IS NULL AND state <> 'completed';
-- What has failed lately. The second condition keeps it from being taken for lists in the order of ids.
CREATE INDEX jobs_failed ON jobs (finished_at) WHERE state = 'failed' AND finished_at IS NOT NULL;
