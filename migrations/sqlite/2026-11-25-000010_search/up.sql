-- Words of titles and texts, for search. It holds no text of its own, only where each word is; the row is that of resources.
-- What GitLab writes itself ("changed the milestone to") is not searched.
CREATE VIRTUAL TABLE resources_words USING fts5(
    title, body, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

CREATE VIEW resources_texts AS
SELECT
    id,
    title,
    -- Nobody writes more than this to be found by.
    CASE WHEN json_valid(payload) THEN substr(coalesce(
        json_extract(payload, '$.description'), json_extract(payload, '$.body'), json_extract(payload, '$.message'), ''
    ), 1, 200000) ELSE '' END AS body
FROM resources
WHERE deleted_at IS NULL AND kind NOT IN ('group', 'project', 'member', 'pipeline')
    AND NOT (kind = 'note' AND json_valid(payload) AND coalesce(json_extract(payload, '$.system'), 0));

INSERT INTO resources_words (rowid, title, body) SELECT id, title, body FROM resources_texts;

CREATE TRIGGER resources_words_in AFTER INSERT ON resources BEGIN
    INSERT INTO resources_words (rowid, title, body) SELECT id, title, body FROM resources_texts WHERE id = new.id;
END;
CREATE TRIGGER resources_words_out AFTER DELETE ON resources BEGIN
    DELETE FROM resources_words WHERE rowid = old.id;
END;
CREATE TRIGGER resources_words_over AFTER UPDATE OF title, payload, deleted_at ON resources
WHEN old.title <> new.title OR old.payload <> new.payload OR (old.deleted_at IS NULL) <> (new.deleted_at IS NULL) BEGIN
    DELETE FROM resources_words WHERE rowid = old.id;
    INSERT INTO resources_words (rowid, title, body) SELECT id, title, body FROM resources_texts WHERE id = new.id;
END;
