-- An older version knows no such reason to wait.
UPDATE jobs SET state = 'queued', wait_reason = NULL WHERE state = 'waiting' AND wait_reason IN ('retry', 'paused');
DROP INDEX jobs_by_parent;
DROP INDEX jobs_by_area;
DROP INDEX jobs_by_user;
DROP INDEX jobs_not_completed;
DROP INDEX jobs_held;
DROP INDEX jobs_ready;
ALTER TABLE jobs ADD COLUMN heartbeat_at TIMESTAMP;
CREATE INDEX jobs_claim ON jobs (lane, priority DESC, run_at, id) WHERE state = 'queued';
CREATE INDEX jobs_leased ON jobs (heartbeat_at) WHERE state IN ('running', 'aborting');
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_area ON jobs (area_id, id);
CREATE INDEX jobs_by_parent ON jobs (parent_id);
DROP TABLE workers;
DROP TABLE turns;
ALTER TABLE jobs DROP COLUMN rank;
