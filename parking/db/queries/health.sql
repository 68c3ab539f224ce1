-- health: what an operator asks first
SELECT clock_timestamp(),
       (SELECT count(*) FROM site), (SELECT count(*) FROM device), (SELECT count(*) FROM gate),
       (SELECT count(*) FROM sign),
       (SELECT extract(epoch FROM clock_timestamp() - max(seen_at))::float8 FROM bay_state),
       (SELECT extract(epoch FROM clock_timestamp() - decided_at)::float8 FROM sign_keeper),
       (SELECT extract(epoch FROM clock_timestamp() - max(made_at))::float8 FROM site_forecast);

-- rejected_hour: rejections of the last hour by code, the most frequent first
SELECT code, count(*) FROM rejected_message WHERE received_at > now() - INTERVAL '1 hour'
 GROUP BY code ORDER BY 2 DESC, 1 LIMIT 10;
