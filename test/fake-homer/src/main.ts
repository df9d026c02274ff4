import { FakeHomer } from './fake-homer.js';
import { hepSink } from './hep-sink.js';

/** `main.js HOST HEP_PORT HTTP_PORT`: a fake HOMER as a process of its own, for a lab whose Asterisks send to it. */
const [host = '127.0.0.1', hepPort = '9060', httpPort = '9080'] = process.argv.slice(2);
const fake = await FakeHomer.start({ host, port: Number(httpPort) });
await hepSink(fake, host, Number(hepPort));
process.stdout.write(`ready at ${fake.url}\n`);
