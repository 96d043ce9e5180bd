export interface Coordinates {
  lat: number;
  lon: number;
}

const EARTH_RADIUS_METERS = 6_371_000;

/** Great-circle distance in metres. */
export function haversine(a: Coordinates, b: Coordinates): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const dLat = radians(b.lat - a.lat);
  const dLon = radians(b.lon - a.lon);
  const h =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** Length in metres of the line through `points`. */
export function pathLength(points: Coordinates[]): number {
  return points.slice(1).reduce((sum, point, i) => sum + haversine(points[i]!, point), 0);
}
