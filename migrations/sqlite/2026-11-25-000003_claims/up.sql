-- The order of claims within a lane: priority, then a fair share for each account, then age. Smaller goes first; the
-- rules are in the crate `jobs`, in `rank`.
ALTER TABLE jobs ADD COLUMN rank BIGINT NOT NULL DEFAULT 0;
UPDATE jobs SET rank = -1000 * priority;

-- How far the jobs of each share (an account, or a user without one) are in each lane and priority. The row of share 0
-- and priority 0 is the lane's clock: the latest turn that was claimed.
CREATE TABLE turns (
    lane TEXT NOT NULL,
    share BIGINT NOT NULL,
    priority INTEGER NOT NULL,
    turn BIGINT NOT NULL,
    PRIMARY KEY (lane, share, priority)
) WITHOUT ROWID;

-- Lives of crawlers, by the name that stands in jobs.worker. One sign of life counts for all jobs that one holds.
CREATE TABLE workers (
    name TEXT NOT NULL PRIMARY KEY,
    heartbeat_at TIMESTAMP NOT NULL
) WITHOUT ROWID;

-- A job that is queued may start: one that has to wait for its next attempt waits, and says so.
UPDATE jobs SET state = 'waiting', wait_reason = 'retry'
WHERE state = 'queued' AND run_at > strftime('%Y-%m-%d %H:%M:%f', 'now');

-- An attempt is written when it ends; until then it is in its job's row.
DELETE FROM job_attempts WHERE ended_at IS NULL;

DROP INDEX jobs_claim;
DROP INDEX jobs_leased;
DROP INDEX jobs_by_state;
DROP INDEX jobs_by_area;
DROP INDEX jobs_by_parent;
ALTER TABLE jobs DROP COLUMN heartbeat_at;
CREATE INDEX jobs_ready ON jobs (lane, rank, id) WHERE state = 'queued';
CREATE INDEX jobs_held ON jobs (worker) WHERE worker IS NOT NULL;
-- Most jobs are completed; those that are not are looked for by state.
CREATE INDEX jobs_not_completed ON jobs (state, id) WHERE state <> 'completed';
CREATE INDEX jobs_by_user ON jobs (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX jobs_by_area ON jobs (area_id, id) WHERE area_id IS NOT NULL;
CREATE INDEX jobs_by_parent ON jobs (parent_id, id) WHERE parent_id IS NOT NULL;
