import { measureDetection, percentile } from './detection.js';

/** `node test/bench/dist/detection-main.js [kills] [calls]` */
const [kills = '20', calls = '100'] = process.argv.slice(2);
const figures = await measureDetection({ kills: Number(kills), calls: Number(calls) });
const shown = { median: 0.5, p95: 0.95, p99: 0.99, max: 1 };
const shares = Object.entries(shown).map(([name, share]) => [name, percentile(figures.detectionMs, share)]);
process.stdout.write(`${JSON.stringify({ ...figures, ...Object.fromEntries(shares) })}\n`);
