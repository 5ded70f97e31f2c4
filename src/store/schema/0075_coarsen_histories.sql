-- The same for the roll-ups' histories; a class may stand in a list several times, its visits add up.
ALTER TABLE daily
UPDATE
    seen_days = arrayMap(
        days -> toInt16(multiIf(
            days > 400 OR days < 32, days,
            days < 95, intDiv(days + 3, 7) * 7,
            least(400, intDiv(days - 95, 30) * 30 + 110)
        )),
        seen_days
    )
WHERE arrayExists(days -> days BETWEEN 32 AND 400, seen_days)
