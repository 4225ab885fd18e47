SELECT
    DATE_TRUNC('minute', date) AS minute_window,
    ROUND(SUM(total_amount), 2) AS total_amount
FROM
    emrblog.sales_order_data
WHERE
    DATE_TRUNC('day', date) = CURRENT_DATE
GROUP BY
    DATE_TRUNC('minute', date)
ORDER BY  
    minute_window DESC;
