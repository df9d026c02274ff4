export { decideControl, evolveControl, running, type Control, type ControlCommand } from './control.js';
export {
  CONTROL_STREAM,
  controlEvent,
  flappingStream,
  nodeFlapping,
  type ControlEvent,
  type NodeFlapping,
} from './events.js';
export { flappingOf, type Flapping, type FlappingLimit } from './flapping.js';
export { massFailureOf, type MassFailureLimit, type NodeDeath } from './mass-failure.js';
