-- Instances that tell of changes, and the hash of what they have to say to be believed that they are one.
CREATE TABLE webhooks (
    instance_id BIGINT NOT NULL PRIMARY KEY REFERENCES instances (id) ON DELETE CASCADE,
    secret_hash TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    last_event_at TIMESTAMP
);

-- Since when it is known that there is something new; none: nobody has told.
ALTER TABLE sync_states ADD COLUMN wanted_at TIMESTAMP;
CREATE INDEX sync_states_wanted ON sync_states (wanted_at) WHERE wanted_at IS NOT NULL;
