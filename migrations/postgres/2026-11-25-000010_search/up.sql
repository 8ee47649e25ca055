-- Words of titles (weight A) and texts (weight B), for search. What GitLab writes itself ("changed the milestone to") is not
-- searched.
ALTER TABLE resources ADD COLUMN words TSVECTOR;

CREATE FUNCTION resource_words(kind TEXT, title TEXT, payload TEXT) RETURNS TSVECTOR LANGUAGE plpgsql AS $$
DECLARE
    object JSON;
BEGIN
    IF kind IN ('group', 'project', 'member', 'pipeline') THEN
        RETURN NULL;
    END IF;
    object := payload::json;
    IF kind = 'note' AND coalesce((object ->> 'system')::boolean, FALSE) THEN
        RETURN NULL;
    END IF;
    -- Nobody writes more than this to be found by, and an index takes no more than five times as much.
    RETURN setweight(to_tsvector('simple', left(title, 10000)), 'A') || setweight(to_tsvector('simple', left(
        coalesce(object ->> 'description', object ->> 'body', object ->> 'message', ''), 200000)), 'B');
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN to_tsvector('simple', left(title, 10000));
END
$$;

CREATE FUNCTION resources_have_words() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    -- An upsert of what is there already proposes a row first; it is given up, and the one that is there keeps its words.
    IF TG_OP = 'INSERT' AND EXISTS (
        SELECT 1 FROM resources
        WHERE instance_id = NEW.instance_id AND kind = NEW.kind AND gitlab_id = NEW.gitlab_id
            AND title = NEW.title AND payload = NEW.payload
    ) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' OR OLD.title <> NEW.title OR OLD.payload <> NEW.payload THEN
        NEW.words := resource_words(NEW.kind, NEW.title, NEW.payload);
    END IF;
    RETURN NEW;
END
$$;

-- Nothing that is counted changes, and the trigger would keep a copy of every object.
ALTER TABLE resources DISABLE TRIGGER USER;
UPDATE resources SET words = resource_words(kind, title, payload);
ALTER TABLE resources ENABLE TRIGGER USER;
CREATE INDEX resources_by_word ON resources USING gin (words);
CREATE TRIGGER resources_words BEFORE INSERT OR UPDATE ON resources
FOR EACH ROW EXECUTE FUNCTION resources_have_words();
