-- Spells of silence are removed when they are old, as runs of unknown are; this finds them.

CREATE INDEX silent_spell_ended ON silent_spell USING brin (until_at);
