// A native addon is loaded from node_modules, and not bundled.
export default { serverExternalPackages: ['classic-level'] };
