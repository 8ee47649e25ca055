DROP TRIGGER resources_titles_over;
DROP TRIGGER resources_titles_out;
DROP TRIGGER resources_titles_in;
DROP TABLE resources_titles;
