-- Three lines of a small town to begin with.
INSERT INTO stops (name, location)
SELECT name, ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geography
FROM (VALUES
    ('Central Station',  13.4010, 52.5200),
    ('Market Square',    13.4085, 52.5222),
    ('Old Harbour',      13.4170, 52.5246),
    ('Town Hall',        13.4052, 52.5176),
    ('University',       13.3935, 52.5179),
    ('City Hospital',    13.3782, 52.5240),
    ('Botanical Garden', 13.3660, 52.5285),
    ('Stadium',          13.4300, 52.5301),
    ('North Terminal',   13.4442, 52.5388),
    ('South Park',       13.4120, 52.5070),
    ('Museum Quarter',   13.3982, 52.5110),
    ('Airport',          13.4480, 52.4950)
) AS stop (name, lon, lat);

WITH line (code, name, stops) AS (VALUES
    ('10', 'Botanical Garden – North Terminal',
        ARRAY['Botanical Garden', 'City Hospital', 'University', 'Central Station',
              'Market Square', 'Old Harbour', 'Stadium', 'North Terminal']),
    ('21', 'University – Airport',
        ARRAY['University', 'Museum Quarter', 'Town Hall', 'South Park', 'Airport']),
    ('X1', 'Express Central Station – Airport',
        ARRAY['Central Station', 'Town Hall', 'Airport'])
), place AS (
    SELECT line.code, line.name AS line_name, stops.id AS stop_id, stops.location, entry.position
    FROM line
    CROSS JOIN LATERAL unnest(line.stops) WITH ORDINALITY AS entry (stop_name, position)
    JOIN stops ON stops.name = entry.stop_name
), route AS (
    INSERT INTO routes (code, name, path)
    SELECT code, line_name, ST_MakeLine(location::geometry ORDER BY position)
    FROM place GROUP BY code, line_name
    RETURNING id, code
)
INSERT INTO route_stops (route_id, position, stop_id)
SELECT route.id, place.position, place.stop_id FROM place JOIN route USING (code);
