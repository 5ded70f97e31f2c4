-- Records until when the ids of a site are cleared, before they are. Table cleared, one row.
INSERT INTO cleared (site, before) VALUES ({site:String}, {before:Date})
