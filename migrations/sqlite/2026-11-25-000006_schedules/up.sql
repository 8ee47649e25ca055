-- Jobs that are submitted again and again. All times are UTC.
CREATE TABLE schedules (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    priority INTEGER,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    account_id BIGINT REFERENCES accounts (id) ON DELETE CASCADE,
    area_id BIGINT REFERENCES areas (id) ON DELETE CASCADE,
    -- One of the two: seconds between runs, or a cron expression.
    every_seconds BIGINT,
    cron TEXT,
    enabled BOOLEAN NOT NULL,
    next_run_at TIMESTAMP,
    last_run_at TIMESTAMP,
    last_job_id TEXT,
    created_at TIMESTAMP NOT NULL,
    UNIQUE (user_id, name),
    CHECK ((every_seconds IS NULL) <> (cron IS NULL)),
    CHECK (enabled = (next_run_at IS NOT NULL))
);
CREATE INDEX schedules_due ON schedules (next_run_at) WHERE next_run_at IS NOT NULL;
