export { manualClock } from '@sotto/testing/clock';
