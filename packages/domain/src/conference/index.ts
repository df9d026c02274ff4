export { conferenceKey, type Conference } from './key.js';
export {
  homeOf,
  isSamePlace,
  NOWHERE_ELSE,
  type ConferenceStanding,
  type Participant,
  type Place,
} from './home.js';
export {
  livedAt,
  plannedConference,
  plannedConferenceOf,
  type PlannedConference,
} from './planned-conference.js';
