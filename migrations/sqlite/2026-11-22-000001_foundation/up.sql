-- People who sign in.
CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    is_admin BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL
);

-- Signed-in browsers. The cookie holds the token, this table its hash.
CREATE TABLE sessions (
    token_hash TEXT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- GitLab instances, by base URL without a slash at its end.
CREATE TABLE instances (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL UNIQUE,
    created_at TIMESTAMP NOT NULL
);

-- GitLab accounts that users have linked. The token is encrypted.
CREATE TABLE accounts (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    instance_id BIGINT NOT NULL REFERENCES instances (id),
    gitlab_user_id BIGINT NOT NULL,
    username TEXT NOT NULL,
    token_cipher BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('working', 'refused')),
    state_since TIMESTAMP NOT NULL,
    linked_at TIMESTAMP NOT NULL,
    -- When finding out what it can reach was last tried, and last done.
    scope_tried_at TIMESTAMP,
    scope_checked_at TIMESTAMP,
    UNIQUE (user_id, instance_id, gitlab_user_id)
);

-- Groups and projects that are mirrored. The numeric id is the identity, the path may change.
CREATE TABLE areas (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    instance_id BIGINT NOT NULL REFERENCES instances (id),
    kind TEXT NOT NULL CHECK (kind IN ('group', 'project')),
    gitlab_id BIGINT NOT NULL,
    full_path TEXT NOT NULL,
    name TEXT NOT NULL,
    web_url TEXT,
    visibility TEXT,
    archived BOOLEAN NOT NULL,
    issues_enabled BOOLEAN NOT NULL,
    merge_requests_enabled BOOLEAN NOT NULL,
    first_seen_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    UNIQUE (instance_id, kind, gitlab_id)
);
CREATE INDEX areas_by_path ON areas (instance_id, full_path);

-- Which account reaches which area.
CREATE TABLE area_authorizations (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    area_id BIGINT NOT NULL REFERENCES areas (id) ON DELETE CASCADE,
    access_level INTEGER,
    seen_at TIMESTAMP NOT NULL,
    PRIMARY KEY (account_id, area_id)
);
CREATE INDEX area_authorizations_by_area ON area_authorizations (area_id);

CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'waiting', 'running', 'aborting', 'completed', 'failed', 'aborted')),
    wait_reason TEXT,
    priority INTEGER NOT NULL,
    lane TEXT NOT NULL CHECK (lane IN ('priority', 'normal')),
    user_id BIGINT REFERENCES users (id) ON DELETE SET NULL,
    account_id BIGINT REFERENCES accounts (id) ON DELETE SET NULL,
    instance_id BIGINT REFERENCES instances (id),
    area_id BIGINT REFERENCES areas (id) ON DELETE CASCADE,
    parent_id TEXT,
    -- Attempts that count against max_attempts; workers that died; claims of any kind.
    attempt INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    crashes INTEGER NOT NULL DEFAULT 0,
    lease_token BIGINT NOT NULL DEFAULT 0,
    run_at TIMESTAMP NOT NULL,
    -- Who holds the lease, with whose token, last heard of when, and how much of its reports is committed.
    worker TEXT,
    served_by BIGINT,
    heartbeat_at TIMESTAMP,
    report_seq BIGINT NOT NULL DEFAULT 0,
    progress DOUBLE PRECISION NOT NULL DEFAULT 0,
    steps TEXT NOT NULL DEFAULT '[]',
    cursor TEXT,
    result TEXT,
    error_class TEXT,
    error TEXT,
    created_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    finished_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL,
    CHECK ((state IN ('running', 'aborting')) = (worker IS NOT NULL)),
    CHECK ((state IN ('completed', 'failed', 'aborted')) = (finished_at IS NOT NULL))
);
-- At most one live job for a key, whatever happens.
CREATE UNIQUE INDEX jobs_live_key ON jobs (dedupe_key) WHERE state IN ('queued', 'waiting', 'running', 'aborting');
CREATE INDEX jobs_claim ON jobs (lane, priority DESC, run_at, id) WHERE state = 'queued';
CREATE INDEX jobs_leased ON jobs (heartbeat_at) WHERE state IN ('running', 'aborting');
CREATE INDEX jobs_waiting ON jobs (run_at) WHERE state = 'waiting';
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_area ON jobs (area_id, id);
CREATE INDEX jobs_by_parent ON jobs (parent_id);

-- One row for each claim of a job.
CREATE TABLE job_attempts (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    lease_token BIGINT NOT NULL,
    worker TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    outcome TEXT,
    error_class TEXT,
    error TEXT,
    PRIMARY KEY (job_id, lease_token)
);

CREATE TABLE job_messages (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
    at TIMESTAMP NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX job_messages_by_job ON job_messages (job_id, id);

-- How many jobs are in which state: kept by triggers in the transaction that changes them, so that no page counts rows.
-- A user of 0 stands for nobody.
CREATE TABLE job_counters (
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    lane TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (kind, state, lane, user_id)
);

-- Every mirrored object.
CREATE TABLE resources (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    instance_id BIGINT NOT NULL REFERENCES instances (id),
    kind TEXT NOT NULL,
    gitlab_id BIGINT NOT NULL,
    area_id BIGINT NOT NULL REFERENCES areas (id) ON DELETE CASCADE,
    iid BIGINT,
    parent_kind TEXT,
    parent_id BIGINT,
    title TEXT NOT NULL,
    state TEXT,
    author TEXT,
    created_at TIMESTAMP,
    updated_at TIMESTAMP,
    closed_at TIMESTAMP,
    merged_at TIMESTAMP,
    web_url TEXT,
    confidential BOOLEAN NOT NULL,
    payload TEXT NOT NULL,
    deleted_at TIMESTAMP,
    seen_generation BIGINT NOT NULL DEFAULT 0,
    written_at TIMESTAMP NOT NULL,
    UNIQUE (instance_id, kind, gitlab_id)
);
CREATE INDEX resources_by_area ON resources (area_id, kind, updated_at, id);
CREATE INDEX resources_by_parent ON resources (instance_id, parent_kind, parent_id);

-- How many objects of a kind an area has: kept by triggers, as job_counters.
CREATE TABLE resource_counters (
    area_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (area_id, kind)
);

-- How far the mirror of an area is, for each kind of job that reads it.
CREATE TABLE sync_states (
    area_id BIGINT NOT NULL REFERENCES areas (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    -- Everything that changed before this time has been seen.
    watermark TIMESTAMP,
    -- When a pass last ended at all, and last ended well.
    tried_at TIMESTAMP NOT NULL,
    completed_at TIMESTAMP,
    -- Passes that ended well.
    generation BIGINT NOT NULL,
    -- Why something is left out; none: complete.
    incomplete TEXT,
    PRIMARY KEY (area_id, kind)
);

-- Objects written in each minute, for the throughput chart.
CREATE TABLE ingest_minutes (
    minute TIMESTAMP NOT NULL PRIMARY KEY,
    objects BIGINT NOT NULL
);

-- Who did what.
CREATE TABLE audit_log (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at TIMESTAMP NOT NULL,
    user_id BIGINT,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
);

CREATE TRIGGER jobs_counted_in AFTER INSERT ON jobs BEGIN
    INSERT INTO job_counters (kind, state, lane, user_id, n)
    VALUES (new.kind, new.state, new.lane, coalesce(new.user_id, 0), 1)
    ON CONFLICT (kind, state, lane, user_id) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER jobs_counted_out AFTER DELETE ON jobs BEGIN
    UPDATE job_counters SET n = n - 1
    WHERE kind = old.kind AND state = old.state AND lane = old.lane AND user_id = coalesce(old.user_id, 0);
END;
CREATE TRIGGER jobs_counted_over AFTER UPDATE OF kind, state, lane, user_id ON jobs
WHEN old.state <> new.state OR old.kind <> new.kind OR old.lane <> new.lane OR old.user_id IS NOT new.user_id BEGIN
    UPDATE job_counters SET n = n - 1
    WHERE kind = old.kind AND state = old.state AND lane = old.lane AND user_id = coalesce(old.user_id, 0);
    INSERT INTO job_counters (kind, state, lane, user_id, n)
    VALUES (new.kind, new.state, new.lane, coalesce(new.user_id, 0), 1)
    ON CONFLICT (kind, state, lane, user_id) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER resources_counted_in AFTER INSERT ON resources WHEN new.deleted_at IS NULL BEGIN
    INSERT INTO resource_counters (area_id, kind, n) VALUES (new.area_id, new.kind, 1)
    ON CONFLICT (area_id, kind) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER resources_counted_out AFTER DELETE ON resources WHEN old.deleted_at IS NULL BEGIN
    UPDATE resource_counters SET n = n - 1 WHERE area_id = old.area_id AND kind = old.kind;
END;
CREATE TRIGGER resources_counted_over AFTER UPDATE OF area_id, kind, deleted_at ON resources
WHEN old.area_id <> new.area_id OR old.kind <> new.kind OR (old.deleted_at IS NULL) <> (new.deleted_at IS NULL) BEGIN
    UPDATE resource_counters SET n = n - 1
    WHERE old.deleted_at IS NULL AND area_id = old.area_id AND kind = old.kind;
    INSERT INTO resource_counters (area_id, kind, n) SELECT new.area_id, new.kind, 1 WHERE new.deleted_at IS NULL
    ON CONFLICT (area_id, kind) DO UPDATE SET n = n + 1;
END;
