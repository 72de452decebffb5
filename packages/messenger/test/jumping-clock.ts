export { settableClock as jumpingClock } from '@sotto/testing/clock';
