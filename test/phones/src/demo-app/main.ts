#!/usr/bin/env node
import { createLogger, loadConfig, shutdownSignal } from '@reinvite/runtime';
import { demoApp } from './demo-app.js';

const [config = '', edge = ''] = process.argv.slice(2);
await demoApp({
  config: await loadConfig(config),
  edge,
  log: createLogger('demo-app', 'info'),
  signal: shutdownSignal(),
});
