-- Makes the rows of some days count. Table rolled_days, one row per day.
INSERT INTO rolled_days (site, day, version, events, zone, has_visits)
SELECT /*{site}*/, toDate(toInt64(day)), toUInt64(/*{version}*/), toUInt64(events), /*{zone}*/, true
FROM
(
    SELECT arrayJoin(arrayZip(/*{days}*/, /*{events}*/)) AS pair, pair.1 AS day, pair.2 AS events
) AS built
