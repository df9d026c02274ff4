import { describe, expect, it } from 'vitest';
import { serverOptions } from '../src/servers.js';

describe('the servers of NATS', () => {
  it('are passed on as they are where they have no login', () => {
    const servers = ['nats://10.0.0.5:4222', '10.0.0.6', 'tls://[2001:db8::5]:4222'];
    expect(serverOptions(servers)).toEqual({ servers });
  });

  it('lose a user and password, which hold for all', () => {
    expect(serverOptions(['nats://reinvite:p%40ss:1%@10.0.0.5:4222', 'nats://10.0.0.6:4222'])).toEqual({
      servers: ['nats://10.0.0.5:4222', 'nats://10.0.0.6:4222'],
      user: 'reinvite',
      pass: 'p@ss:1%',
    });
  });

  it('lose a token', () => {
    expect(serverOptions(['s3cret@10.0.0.5:4222'])).toEqual({ servers: ['10.0.0.5:4222'], token: 's3cret' });
  });
});
