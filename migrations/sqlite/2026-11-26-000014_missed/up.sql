-- What a sweep has seen in GitLab and the mirror does not have like that: read by its number in the next pass.
CREATE TABLE missed (
    area_id BIGINT NOT NULL REFERENCES areas (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    iid BIGINT NOT NULL,
    noticed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (area_id, kind, iid)
);
