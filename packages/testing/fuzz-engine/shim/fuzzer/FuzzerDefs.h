// The two declarations of libFuzzer that the addon of Jazzer.js needs; Debian's package has the library without its headers.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace fuzzer {
using UserCallback = int (*)(const uint8_t *data, size_t size);
int FuzzerDriver(int *argc, char ***argv, UserCallback callback);
} // namespace fuzzer
