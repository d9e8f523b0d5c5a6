-- Tasks that nobody took up in time. Run by 0013_journeys.py; frozen with it.

ALTER TABLE task ADD COLUMN escalated_on DATE;
