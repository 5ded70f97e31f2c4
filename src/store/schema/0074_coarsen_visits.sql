-- The same for finished visits.
ALTER TABLE visits
UPDATE
    duration_s = toUInt32(60 * intDiv(duration_s + 30, 60)),
    days_since_seen = toInt16(multiIf(
        days_since_seen > 400 OR days_since_seen < 32, days_since_seen,
        days_since_seen < 95, intDiv(days_since_seen + 3, 7) * 7,
        least(400, intDiv(days_since_seen - 95, 30) * 30 + 110)
    ))
WHERE duration_s % 60 != 0 OR (days_since_seen BETWEEN 32 AND 400)
