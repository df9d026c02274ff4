#!/usr/bin/env node
import { appendFile, readFile } from 'node:fs/promises';
import { FlowClient, type FlowClientOptions } from '@reinvite/flow-client';
import type { AriNode } from './ari.js';
import { ivr } from './ivr.js';

/** The file that is named on the command line, as JSON. */
interface Settings {
  readonly nodes: readonly AriNode[];
  readonly flow: FlowClientOptions;
  /** Media that asks for the number of the conference. */
  readonly prompt: string;
  /** File to which each charge is added: stands for a billing system. */
  readonly billing: string;
}

const settings = JSON.parse(await readFile(process.argv[2] ?? 'ivr.json', 'utf8')) as Settings;
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

const say = (what: string, about: object = {}): void =>
  console.log(JSON.stringify({ at: new Date().toISOString(), what, ...about }));
const bill = (callId: string, conference: string): Promise<void> =>
  appendFile(settings.billing, `${JSON.stringify({ callId, conference })}\n`);

const flow = await FlowClient.connect(settings.flow);
await ivr(settings.nodes, { flow, prompt: settings.prompt, bill, say }, () => say('ready'), stop.signal);
await flow.close();
