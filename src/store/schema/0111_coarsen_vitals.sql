-- Web vitals of rows from before the classes: two significant digits, as in `src/privacy/coarse.rs`; at most ten minutes.
ALTER TABLE events
UPDATE
    lcp_ms = toUInt32(multiIf(
        lcp_ms < 100, lcp_ms,
        lcp_ms < 1000, intDiv(lcp_ms + 5, 10) * 10,
        lcp_ms < 10000, intDiv(lcp_ms + 50, 100) * 100,
        lcp_ms < 100000, intDiv(lcp_ms + 500, 1000) * 1000,
        intDiv(lcp_ms + 5000, 10000) * 10000
    )),
    inp_ms = toUInt32(multiIf(
        inp_ms < 100, inp_ms,
        inp_ms < 1000, intDiv(inp_ms + 5, 10) * 10,
        inp_ms < 10000, intDiv(inp_ms + 50, 100) * 100,
        inp_ms < 100000, intDiv(inp_ms + 500, 1000) * 1000,
        intDiv(inp_ms + 5000, 10000) * 10000
    )),
    fcp_ms = toUInt32(multiIf(
        fcp_ms < 100, fcp_ms,
        fcp_ms < 1000, intDiv(fcp_ms + 5, 10) * 10,
        fcp_ms < 10000, intDiv(fcp_ms + 50, 100) * 100,
        fcp_ms < 100000, intDiv(fcp_ms + 500, 1000) * 1000,
        intDiv(fcp_ms + 5000, 10000) * 10000
    )),
    ttfb_ms = toUInt32(multiIf(
        ttfb_ms < 100, ttfb_ms,
        ttfb_ms < 1000, intDiv(ttfb_ms + 5, 10) * 10,
        ttfb_ms < 10000, intDiv(ttfb_ms + 50, 100) * 100,
        ttfb_ms < 100000, intDiv(ttfb_ms + 500, 1000) * 1000,
        intDiv(ttfb_ms + 5000, 10000) * 10000
    )),
    cls = toFloat32(multiIf(
        toUInt32(round(cls * 1000)) < 100, toUInt32(round(cls * 1000)),
        toUInt32(round(cls * 1000)) < 1000, intDiv(toUInt32(round(cls * 1000)) + 5, 10) * 10,
        toUInt32(round(cls * 1000)) < 10000, intDiv(toUInt32(round(cls * 1000)) + 50, 100) * 100,
        toUInt32(round(cls * 1000)) < 100000, intDiv(toUInt32(round(cls * 1000)) + 500, 1000) * 1000,
        intDiv(toUInt32(round(cls * 1000)) + 5000, 10000) * 10000
    ) / 1000)
WHERE lcp_ms >= 100 OR inp_ms >= 100 OR fcp_ms >= 100 OR ttfb_ms >= 100 OR cls IS NOT NULL
