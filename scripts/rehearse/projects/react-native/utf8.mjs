export function encodeUtf8Bytes(text) {
  const escaped = unescape(encodeURIComponent(text));
  return Uint8Array.from(escaped, (letter) => letter.charCodeAt(0));
}

export function decodeUtf8Bytes(bytes, fatal) {
  try {
    return decodeURIComponent(escape(String.fromCharCode(...bytes)));
  } catch (error) {
    if (fatal) throw new TypeError('not UTF-8');
    throw error;
  }
}
