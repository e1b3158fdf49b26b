-- The ten customers with the highest net revenue in each currency.
SELECT currency, place, user_id, orders, net_minor
FROM (
    SELECT currency, user_id, orders, net_minor,
           row_number() OVER (PARTITION BY currency ORDER BY net_minor DESC, user_id) AS place
    FROM (
        SELECT currency, CAST(user_id AS VARCHAR(36)) AS user_id,
               count(DISTINCT order_id) FILTER (WHERE account = 'revenue') AS orders,
               -CAST(sum(amount_minor) AS BIGINT) AS net_minor
        FROM entries
        WHERE account IN ('revenue', 'refunds', 'disputes_reserve', 'bad_debt', 'adjustments')
        GROUP BY currency, CAST(user_id AS VARCHAR(36))
    ) AS customers
) AS places
WHERE place <= 10
ORDER BY currency, place
