-- Words of titles once more, by themselves: a word that is in every text and in no title was looked for in the places of all.
CREATE VIRTUAL TABLE resources_titles USING fts5(
    title, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

INSERT INTO resources_titles (rowid, title) SELECT id, title FROM resources_texts WHERE title <> '';

CREATE TRIGGER resources_titles_in AFTER INSERT ON resources WHEN new.title <> '' BEGIN
    INSERT INTO resources_titles (rowid, title) SELECT id, title FROM resources_texts WHERE id = new.id;
END;
CREATE TRIGGER resources_titles_out AFTER DELETE ON resources BEGIN
    DELETE FROM resources_titles WHERE rowid = old.id;
END;
CREATE TRIGGER resources_titles_over AFTER UPDATE OF title, deleted_at ON resources
WHEN old.title <> new.title OR (old.deleted_at IS NULL) <> (new.deleted_at IS NULL) BEGIN
    DELETE FROM resources_titles WHERE rowid = old.id;
    INSERT INTO resources_titles (rowid, title) SELECT id, title FROM resources_texts WHERE id = new.id AND title <> '';
END;
