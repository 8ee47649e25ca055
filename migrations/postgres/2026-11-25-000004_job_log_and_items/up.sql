-- Messages are numbered for each job and level, so that the surplus is found without counting.
ALTER TABLE job_messages ADD COLUMN nr BIGINT NOT NULL DEFAULT 0;
UPDATE job_messages SET nr = ranked.nr FROM (
    SELECT id, row_number() OVER (PARTITION BY job_id, level ORDER BY id) AS nr FROM job_messages
) AS ranked WHERE ranked.id = job_messages.id;
CREATE UNIQUE INDEX job_messages_by_nr ON job_messages (job_id, level, nr);

-- What a job has worked through, one by one.
CREATE TABLE job_items (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    -- Unique within the job, such as a file name or a URL.
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'done', 'failed', 'skipped')),
    -- The kind's own word for how it went, such as 'dead'.
    verdict TEXT,
    -- The reason in words.
    note TEXT,
    -- More of it, as JSON.
    detail TEXT,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (job_id, name)
);
CREATE INDEX job_items_by_state ON job_items (job_id, state, verdict, name);
