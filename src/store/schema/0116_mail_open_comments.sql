-- The column comment of `mail_opens`, reworded; the data does not change.
ALTER TABLE mail_opens
    COMMENT COLUMN opens 'Number of times that the image was fetched, by readers or by their mail services'
