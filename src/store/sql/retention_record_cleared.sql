-- Records the day before which the ids of a site are cleared; written before the clearing. Table cleared, one row.
INSERT INTO cleared (site, before) VALUES ({site:String}, {before:Date})
