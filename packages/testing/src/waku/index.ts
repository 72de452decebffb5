export { PUBSUB_TOPIC, RealNodes, type RelayNode } from './real-nodes.js';
export { ServiceNode, type StoredMessage } from './service-node.js';
