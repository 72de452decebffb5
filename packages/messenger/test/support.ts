export { manualClock, rest } from '@sotto/testing/clock';
