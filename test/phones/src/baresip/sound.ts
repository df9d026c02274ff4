/** Sound files for baresip: RIFF WAVE, 16 bit PCM, mono, 8 kHz, as its module `aufile` reads and writes them. */

const HEADER_BYTES = 44;
const RATE = 8_000;
const BYTES_PER_SAMPLE = 2;
const LEVEL = 8_000;
/** Half a period in samples: 500 Hz. */
const HALF_PERIOD = 8;
/** Above every noise of coding, far below every voice in the lab. */
const LOUD = 500;

/** A square wave of so many seconds: a phone's voice. Baresip hangs up when its source is at its end. */
export function voiceWave(seconds: number): Buffer {
  const samples = seconds * RATE;
  const data = Buffer.alloc(samples * BYTES_PER_SAMPLE);
  for (let sample = 0; sample < samples; sample += 1)
    data.writeInt16LE(Math.floor(sample / HALF_PERIOD) % 2 === 0 ? LEVEL : -LEVEL, sample * BYTES_PER_SAMPLE);
  return Buffer.concat([waveHeader(data.length), data]);
}

function waveHeader(dataBytes: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(RATE * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}

/**
 * How many samples above the noise a recording holds from a byte position on; a header or half a sample at its end is
 * left out.
 */
export function loudSamples(recording: Buffer, from: number): number {
  let count = 0;
  const start = Math.max(from + (from % BYTES_PER_SAMPLE), HEADER_BYTES);
  for (let at = start; at + BYTES_PER_SAMPLE <= recording.length; at += BYTES_PER_SAMPLE)
    if (Math.abs(recording.readInt16LE(at)) > LOUD) count += 1;
  return count;
}
