import type pg from 'pg';

import type { Coordinates } from './geo.ts';

/** A stop by its name, or a place near some stops. */
export type Place = string | Coordinates;

export interface Stop extends Coordinates {
  id: number;
  name: string;
}

/** A stop that serves a place, and how far it is from there (0 for a stop given by name). */
export interface Access {
  stop: Stop;
  walkMeters: number;
}

export interface Ride {
  code: string;
  name: string;
  board: Access;
  alight: Access;
  /** From boarding to alighting, both included. */
  stops: Stop[];
}

/** The bus network as it is in the database. */
export interface Network {
  listStops(query: string): Promise<Stop[]>;
  findAccess(place: Place): Promise<Access[]>;
  findRides(from: Access[], to: Access[]): Promise<Ride[]>;
}

const NEAREST_STOPS = 5;
const MAX_WALK_METERS = 1500;
const MAX_RIDES = 5;

const STOP_COLUMNS = `stops.id, stops.name,
  ST_Y(stops.location::geometry) AS lat, ST_X(stops.location::geometry) AS lon`;

export function createNetwork(pool: pg.Pool): Network {
  return {
    async listStops(query) {
      const { rows } = await pool.query<Stop>(
        `SELECT ${STOP_COLUMNS} FROM stops
         WHERE name ILIKE '%' || $1 || '%' ORDER BY name LIMIT 50`,
        [escapeLike(query)],
      );
      return rows;
    },

    async findAccess(place) {
      return typeof place === 'string' ? byName(pool, place) : nearest(pool, place);
    },

    async findRides(from, to) {
      if (from.length === 0 || to.length === 0) return [];
      // Per route the pair with the shortest walk; among equals the one with the fewest stops.
      const { rows } = await pool.query<{ code: string; name: string; board: number; alight: number; stops: Stop[] }>(
        `WITH board AS (SELECT * FROM unnest($1::int[], $2::float8[]) AS b (stop_id, walk)),
              alight AS (SELECT * FROM unnest($3::int[], $4::float8[]) AS a (stop_id, walk)),
              pairs AS (
                SELECT DISTINCT ON (b.route_id) b.route_id, b.position AS first, a.position AS last,
                       b.stop_id AS board, a.stop_id AS alight, board.walk + alight.walk AS walk
                FROM board JOIN route_stops b USING (stop_id)
                JOIN route_stops a ON a.route_id = b.route_id AND a.stop_id <> b.stop_id
                JOIN alight ON alight.stop_id = a.stop_id
                ORDER BY b.route_id, board.walk + alight.walk, abs(a.position - b.position)
              )
         SELECT routes.code, routes.name, pairs.board, pairs.alight,
                (SELECT json_agg(json_build_object('id', stops.id, 'name', stops.name,
                          'lat', ST_Y(stops.location::geometry), 'lon', ST_X(stops.location::geometry))
                          ORDER BY CASE WHEN pairs.first <= pairs.last THEN position ELSE -position END)
                 FROM route_stops JOIN stops ON stops.id = stop_id
                 WHERE route_id = pairs.route_id
                   AND position BETWEEN least(pairs.first, pairs.last) AND greatest(pairs.first, pairs.last)
                ) AS stops
         FROM pairs JOIN routes ON routes.id = pairs.route_id
         ORDER BY pairs.walk, abs(pairs.last - pairs.first), routes.code
         LIMIT ${MAX_RIDES}`,
        [ids(from), walks(from), ids(to), walks(to)],
      );
      return rows.map(({ code, name, board, alight, stops }) => ({
        code,
        name,
        board: from.find(({ stop }) => stop.id === board)!,
        alight: to.find(({ stop }) => stop.id === alight)!,
        stops,
      }));
    },
  };
}

/** The stop of that name, else the stops whose names contain it. */
async function byName(pool: pg.Pool, name: string): Promise<Access[]> {
  const { rows } = await pool.query<Stop>(
    `SELECT ${STOP_COLUMNS} FROM stops
     WHERE name ILIKE '%' || $1 || '%'
     ORDER BY lower(name) = lower($2) DESC, length(name), name LIMIT ${NEAREST_STOPS}`,
    [escapeLike(name), name],
  );
  const exact = rows[0]?.name.toLowerCase() === name.toLowerCase();
  return (exact ? rows.slice(0, 1) : rows).map((stop) => ({ stop, walkMeters: 0 }));
}

async function nearest(pool: pg.Pool, { lat, lon }: Coordinates): Promise<Access[]> {
  const { rows } = await pool.query<Stop & { walk: number }>(
    `WITH here AS (SELECT ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography AS point)
     SELECT ${STOP_COLUMNS}, ST_Distance(stops.location, here.point) AS walk
     FROM stops, here
     WHERE ST_DWithin(stops.location, here.point, ${MAX_WALK_METERS})
     ORDER BY stops.location <-> here.point LIMIT ${NEAREST_STOPS}`,
    [lon, lat],
  );
  return rows.map(({ walk, ...stop }) => ({ stop, walkMeters: Math.round(walk) }));
}

const ids = (accesses: Access[]) => accesses.map(({ stop }) => stop.id);
const walks = (accesses: Access[]) => accesses.map(({ walkMeters }) => walkMeters);
const escapeLike = (text: string) => text.replace(/[\\%_]/g, '\\$&');
