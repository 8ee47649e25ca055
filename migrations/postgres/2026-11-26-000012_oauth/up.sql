-- Trawl as an application that an instance knows, so that people can link their account by signing in there.
CREATE TABLE oauth_applications (
    instance_id BIGINT NOT NULL PRIMARY KEY REFERENCES instances (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    -- Encrypted; none for an application that GitLab does not call confidential.
    secret_cipher BYTEA,
    created_at TIMESTAMP NOT NULL
);

-- Something that opens with the key that the secrets here were sealed with, so that a node with another one is noticed.
CREATE TABLE master_key (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    proof BYTEA NOT NULL
);

-- People who are at their instance to sign in. The browser has the state, this table its hash.
CREATE TABLE oauth_sign_ins (
    state_hash TEXT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    instance_id BIGINT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    verifier_cipher BYTEA NOT NULL,
    expires_at TIMESTAMP NOT NULL
);

-- What renews the token (encrypted), where it came by signing in.
ALTER TABLE accounts ADD COLUMN refresh_cipher BYTEA;
-- When the token ends, and what it may do, as far as GitLab tells.
ALTER TABLE accounts ADD COLUMN expires_at TIMESTAMP;
ALTER TABLE accounts ADD COLUMN scopes TEXT;
-- When it was renewed last, when that is due, and until when somebody is at it.
ALTER TABLE accounts ADD COLUMN renewed_at TIMESTAMP;
ALTER TABLE accounts ADD COLUMN renew_at TIMESTAMP;
ALTER TABLE accounts ADD COLUMN renewing_until TIMESTAMP;
