DROP TRIGGER resources_words ON resources;
DROP FUNCTION resources_have_words;
DROP INDEX resources_by_word;
DROP FUNCTION resource_words;
ALTER TABLE resources DROP COLUMN words;
