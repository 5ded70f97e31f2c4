-- How many mutations still name erased visitors, including running ones: table system.mutations, a few rows.
SELECT count()
FROM system.mutations
WHERE database = {database:String}
    AND table = 'events'
    AND command LIKE '%DELETE WHERE%visitor IN%'
