COMMENT ON COLUMN resources.words IS NULL;
