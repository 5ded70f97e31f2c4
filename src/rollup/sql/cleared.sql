-- First day whose events have their ids, in days since 1970; no row if no day is cleared. Table cleared, a few rows.
SELECT toInt32(max(before)) AS first_day
FROM cleared
WHERE site = /*{site}*/
HAVING count() > 0
