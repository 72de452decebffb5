// Imported before ink, which draws nothing until the end where these are set: for logs, which aren't written here.
// A person may have them in his shell.
delete process.env['CI'];
delete process.env['CONTINUOUS_INTEGRATION'];
