-- An answer is known again where a browser sends it twice: what an approval became has an identifier that
-- follows from the interaction, and a denial is kept here.

ALTER TABLE interactions ADD COLUMN denied boolean NOT NULL DEFAULT false;
