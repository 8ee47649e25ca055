-- Titles have words of their own in the column of words, behind a sign, since the migration before this one.
COMMENT ON COLUMN resources.words IS 'words of title and text; those of the title once more, each behind the sign =';
