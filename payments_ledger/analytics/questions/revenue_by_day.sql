-- Revenue by booking day.
-- Sales less what was given back, lost to disputes or written off, and corrected: net. Minor units of the currency.
SELECT booking_day AS day, currency,
       -CAST(coalesce(sum(amount_minor) FILTER (WHERE account = 'revenue'), 0) AS BIGINT) AS sales_minor,
       CAST(coalesce(sum(amount_minor) FILTER (WHERE account = 'refunds'), 0) AS BIGINT) AS refunded_minor,
       CAST(coalesce(sum(amount_minor) FILTER (WHERE account IN ('disputes_reserve', 'bad_debt')), 0) AS BIGINT)
           AS disputed_minor,
       -CAST(coalesce(sum(amount_minor) FILTER (WHERE account = 'adjustments'), 0) AS BIGINT) AS adjusted_minor,
       -CAST(sum(amount_minor) AS BIGINT) AS net_minor
FROM entries
WHERE account IN ('revenue', 'refunds', 'disputes_reserve', 'bad_debt', 'adjustments')
GROUP BY 1, 2
ORDER BY 1, 2
