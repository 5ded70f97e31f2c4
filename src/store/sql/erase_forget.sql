-- Removes the finished mutations that name erased visitors, with their files. Running mutations are not stopped.
KILL MUTATION
WHERE database = {database:String}
    AND table = 'events'
    AND is_done
    AND command LIKE '%DELETE WHERE%visitor IN%'
SYNC
