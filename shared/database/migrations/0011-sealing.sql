-- A text that was sealed with a key of this installation: a process that cannot open it must not start. Written by the first
-- process that has a key.
CREATE TABLE seal_check (
  only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  envelope    text NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now()
);
