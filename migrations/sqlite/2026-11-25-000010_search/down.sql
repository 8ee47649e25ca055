DROP TRIGGER resources_words_over;
DROP TRIGGER resources_words_out;
DROP TRIGGER resources_words_in;
DROP VIEW resources_texts;
DROP TABLE resources_words;
