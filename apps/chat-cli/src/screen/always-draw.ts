// Imported before ink, which draws only its last frame when these are set, as in CI. A user's shell may set them too.
delete process.env['CI'];
delete process.env['CONTINUOUS_INTEGRATION'];
