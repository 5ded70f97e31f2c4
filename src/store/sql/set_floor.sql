-- Sets the floor of an audience. Table floors, one row.
INSERT INTO floors (audience, visitors) VALUES ({audience:String}, {visitors:UInt32})
