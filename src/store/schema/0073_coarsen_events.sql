-- Rows from before the classes are brought into them, once: the same rules as in `src/privacy/coarse.rs`, except that an
-- earlier elapsed time is rounded to the nearest minute, since the visit's first second is not known any more.
ALTER TABLE events
UPDATE
    elapsed = toUInt32(60 * intDiv(elapsed + 30, 60)),
    engaged_ms = toUInt32(greatest(
        engaged_ms > 0,
        intDiv(engaged_ms, multiIf(engaged_ms < 60000, 10000, engaged_ms < 300000, 30000, 60000))
            * multiIf(engaged_ms < 60000, 10000, engaged_ms < 300000, 30000, 60000)
        + if(
            cityHash64(key) % multiIf(engaged_ms < 60000, 10000, engaged_ms < 300000, 30000, 60000)
                < engaged_ms % multiIf(engaged_ms < 60000, 10000, engaged_ms < 300000, 30000, 60000),
            multiIf(engaged_ms < 60000, 10000, engaged_ms < 300000, 30000, 60000),
            0
        )
    )),
    days_since_seen = toInt16(multiIf(
        days_since_seen > 400 OR days_since_seen < 32, days_since_seen,
        days_since_seen < 95, intDiv(days_since_seen + 3, 7) * 7,
        least(400, intDiv(days_since_seen - 95, 30) * 30 + 110)
    ))
WHERE elapsed % 60 != 0 OR engaged_ms > 1 OR (days_since_seen BETWEEN 32 AND 400)
