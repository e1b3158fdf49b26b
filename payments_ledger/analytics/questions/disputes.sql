-- Disputes opened, won, lost and still open, by provider, with their amounts.
SELECT provider, currency,
       count(*) FILTER (WHERE event_type = 'payments.dispute.opened.v1') AS opened,
       count(*) FILTER (WHERE event_type = 'payments.dispute.won.v1') AS won,
       count(*) FILTER (WHERE event_type = 'payments.dispute.lost.v1') AS lost,
       CAST(coalesce(sum(amount_minor) FILTER (WHERE event_type = 'payments.dispute.opened.v1'), 0) AS BIGINT)
           AS opened_minor,
       CAST(coalesce(sum(amount_minor) FILTER (WHERE event_type = 'payments.dispute.lost.v1'), 0) AS BIGINT)
           AS lost_minor,
       CAST(sum(CASE WHEN event_type = 'payments.dispute.opened.v1' THEN amount_minor ELSE -amount_minor END) AS BIGINT)
           AS open_minor
FROM events
WHERE event_type IN ('payments.dispute.opened.v1', 'payments.dispute.won.v1', 'payments.dispute.lost.v1')
GROUP BY 1, 2
ORDER BY 1, 2
