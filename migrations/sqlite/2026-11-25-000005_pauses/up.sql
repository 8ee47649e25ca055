-- What nobody is to start for now, and why.
CREATE TABLE pauses (
    scope TEXT NOT NULL CHECK (scope IN ('kind', 'lane', 'account')),
    -- A kind's or lane's name, or an account's id.
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    user_id BIGINT REFERENCES users (id) ON DELETE SET NULL,
    since TIMESTAMP NOT NULL,
    PRIMARY KEY (scope, subject)
) WITHOUT ROWID;
