-- What a provider vouched with, sealed: whoever signs out here can be signed out there by it.

ALTER TABLE sessions ADD COLUMN id_token TEXT;
