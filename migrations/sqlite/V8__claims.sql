-- Under which names a client is told a nickname, beside `nickname`: 'name preferred_username'.

ALTER TABLE clients ADD COLUMN claims TEXT NOT NULL DEFAULT '';
