/**
 * Where native and WebAssembly code that our packages can load comes from, all of it in packages that people choose to install beside
 * ours. Whoever renews one looks at how the new version was built, and states its bytes here; the check compares them. They are
 * the SHA-256 of the list of files, each with the SHA-256 of its content. Of packages for one platform, those for Linux are here.
 */
export const binaries = [
  {
    name: '@bitauth/libauth',
    version: '3.0.0',
    files: /^build\/lib\/bin\/.*(\.wasm|\.base64\.js)$/,
    origin:
      'libsecp256k1 of Bitcoin Core and hashes as WebAssembly, built with Emscripten in the repository of libauth',
    sha256: '6c014cce57091192f4a06d56fa7ecb0d393b4c9c6b2f49c877a8386a945c6bb4',
  },
  {
    name: 'hash-wasm',
    version: '4.13.0',
    files: /^dist\/index\.(esm|umd)\.js$/,
    origin:
      'Keccak and Argon2 in C as WebAssembly, in base64, built with clang in the repository of hash-wasm',
    sha256: 'ff199ed67de9e59972f5c4e990d9f92edb39477f40390607dc7d1f4be6074c04',
  },
  {
    name: 'secp256k1',
    version: '5.0.2',
    files: /^prebuilds\/.*\.node$/,
    origin:
      'libsecp256k1 of Bitcoin Core as an addon, built for each platform by its own CI, with prebuildify',
    sha256: '9a935518f6677281df5f9dea23290149f4b8289f12df6f7306d77102113d1f7d',
  },
  {
    name: 'classic-level',
    version: '3.0.0',
    files: /^prebuilds\/.*\.node$/,
    origin:
      'LevelDB and Snappy of Google as an addon, built for each platform by its own CI, with prebuildify',
    sha256: 'ba8e6e6c2e570667afe275a9f942ce2f805ff16b1ea8741bf659525815294928',
  },
  {
    name: '@libsql/linux-x64-gnu',
    version: '0.5.29',
    files: /^index\.node$/,
    origin: 'libSQL, a fork of SQLite, as an addon in Rust, built for each platform by its own CI, with Neon',
    sha256: '70dd65687a1ab77c655adf7051023738e206bd145b76133e5f9f1f539402d3ca',
  },
  {
    name: '@napi-rs/snappy-linux-x64-gnu',
    version: '7.4.3',
    files: /\.node$/,
    origin:
      'Snappy in Rust as an addon, built for each platform by its own CI, with NAPI-RS; for nodes of Whisper alone',
    sha256: '66139c8fb17da295bba6a612f5da1b4c6ab09ea2e02b1b4998e17876fafc1f17',
  },
];
