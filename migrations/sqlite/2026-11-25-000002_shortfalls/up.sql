-- `incomplete` was also where a failed pass left its reason; the two are now told apart. It says what passes have left
-- out since everything was last read.

-- Why the last pass ended badly; none: it did not.
ALTER TABLE sync_states ADD COLUMN failure TEXT;
-- GitLab's access level with which everything was read: whoever has a higher one sees more. None: not known, so that
-- the next pass of an account whose level is known reads everything again.
ALTER TABLE sync_states ADD COLUMN access_level INTEGER;
