import type { Route } from './api';

export function RouteCard({ route }: { route: Route }) {
  const { board, alight, eta, stops } = route;
  return (
    <article>
      <span className="code">{route.code}</span>
      <div>
        <h2>{route.name}</h2>
        <p>
          {board.stop.name}
          {walk(board.walkMeters)} → {alight.stop.name}
          {walk(alight.walkMeters)}
        </p>
        <p className="detail">
          {stops.length - 1} {stops.length === 2 ? 'stop' : 'stops'} · {(eta.distanceMeters / 1000).toFixed(1)} km
          {eta.source === 'estimate' && ' · estimated'}
        </p>
      </div>
      <strong>{Math.max(1, Math.round(eta.durationSeconds / 60))} min</strong>
    </article>
  );
}

const walk = (meters: number) => (meters > 0 ? ` (${meters} m on foot)` : '');
