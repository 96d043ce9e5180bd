import { useEffect, useState, type FormEvent } from 'react';

import { listStops, searchRoutes, type Place, type SearchAnswer, type Stop } from './api';
import { RouteCard } from './RouteCard';

type State =
  | { kind: 'idle' }
  | { kind: 'searching' }
  | { kind: 'found'; answer: SearchAnswer }
  | { kind: 'failed'; message: string };

export function App() {
  const [stops, setStops] = useState<Stop[]>([]);
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [state, setState] = useState<State>({ kind: 'idle' });

  useEffect(() => {
    // Without suggestions the form still works.
    listStops().then(setStops, () => {});
  }, []);

  async function search(event: FormEvent) {
    event.preventDefault();
    setState({ kind: 'searching' });
    try {
      setState({ kind: 'found', answer: await searchRoutes(parsePlace(from), parsePlace(to)) });
    } catch (error) {
      setState({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  }

  return (
    <>
      <header>
        <h1>NXT Bus</h1>
        <p>Find a bus by the names of stops, or by coordinates such as 52.520, 13.401.</p>
      </header>
      <main>
        <form onSubmit={search}>
          <label>
            From
            <input required list="stops" value={from} onChange={(e) => setFrom(e.target.value)} autoFocus />
          </label>
          <label>
            To
            <input required list="stops" value={to} onChange={(e) => setTo(e.target.value)} />
          </label>
          <button disabled={state.kind === 'searching'}>Search</button>
          <datalist id="stops">
            {stops.map((stop) => (
              <option key={stop.id} value={stop.name} />
            ))}
          </datalist>
        </form>
        <section aria-live="polite">
          <Result state={state} />
        </section>
      </main>
    </>
  );
}

function Result({ state }: { state: State }) {
  if (state.kind === 'idle') return null;
  if (state.kind === 'searching') return <p className="note">Searching …</p>;
  if (state.kind === 'failed') return <p className="note error">{state.message}</p>;
  const { routes, cached } = state.answer;
  if (routes.length === 0) return <p className="note">No direct bus between these places.</p>;
  return (
    <>
      {routes.map((route) => (
        <RouteCard key={route.code} route={route} />
      ))}
      {cached && <p className="note">From the cache</p>}
    </>
  );
}

function parsePlace(text: string): Place {
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*[,; ]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text);
  return match ? { lat: Number(match[1]), lon: Number(match[2]) } : text;
}
