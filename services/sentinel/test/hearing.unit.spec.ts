import { describe, expect, it } from 'vitest';
import { canHear, hearEcho, startHearing } from '../src/detector/hearing.js';

describe('hearing', () => {
  it('cannot hear before the first echo, which restores it', () => {
    const deaf = startHearing(300);
    expect(canHear(deaf, 0)).toBe(false);
    expect(hearEcho(deaf, 10).restored).toBe(true);
  });

  it('hears while the echoes come in time', () => {
    const { hearing } = hearEcho(startHearing(300), 0);
    expect(canHear(hearing, 300)).toBe(true);
    expect(hearEcho(hearing, 300)).toMatchObject({ restored: false, hearing: { echoAt: 300 } });
  });

  it('is deaf once an echo is late, until the next one restores it', () => {
    const { hearing } = hearEcho(startHearing(300), 0);
    expect(canHear(hearing, 301)).toBe(false);
    expect(hearEcho(hearing, 900).restored).toBe(true);
  });
});
