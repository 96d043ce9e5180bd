CREATE EXTENSION IF NOT EXISTS postgis;

CREATE TABLE stops (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    location geography(Point, 4326) NOT NULL
);

CREATE TABLE routes (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE,
    name text NOT NULL,
    path geometry(LineString, 4326) NOT NULL
);

-- The stops of a route in order; buses run both ways.
CREATE TABLE route_stops (
    route_id integer NOT NULL REFERENCES routes ON DELETE CASCADE,
    position integer NOT NULL CHECK (position > 0),
    stop_id integer NOT NULL REFERENCES stops,
    PRIMARY KEY (route_id, position),
    UNIQUE (route_id, stop_id)
);

CREATE INDEX stops_location ON stops USING gist (location);
CREATE INDEX stops_lower_name ON stops (lower(name));
CREATE INDEX routes_path ON routes USING gist (path);
CREATE INDEX route_stops_stop ON route_stops (stop_id);
